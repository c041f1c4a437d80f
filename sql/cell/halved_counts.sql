-- Title:   How often does each feature fire in each language, if only the strongest codes of a
--          token count, or if every activation is a firing?
-- Grain:   rule, feature, kind, language by its position in the study's list
-- Reads:   part_counts, eighth_maxima, firing_rules
-- The strongest m codes of a token are what an autoencoder with k = m would give. A
-- feature's maximum stays that over all its codes.
with halved as (
    select
        firing_rules.rule,
        part_counts.feature,
        part_counts.language,
        part_counts.own_language,
        sum(part_counts.n_firings)::bigint as n
    from part_counts
    inner join firing_rules on part_counts.halvings >= firing_rules.halvings
    where firing_rules.halvings > 0
    group by all
    having sum(part_counts.n_firings) > 0
)

select
    rule,
    feature,
    'true' as kind,
    language,
    sum(n)::bigint as n_firings
from halved
group by rule, feature, language
union all
select
    rule,
    feature,
    'exclusive' as kind,
    own_language as language,
    sum(n)::bigint as n_firings
from halved
where own_language > 0
group by rule, feature, own_language
union all
select
    firing_rules.rule,
    eighth_maxima.feature,
    'true' as kind,
    eighth_maxima.language,
    sum(eighth_maxima.n_active)::bigint as n_firings
from eighth_maxima
inner join firing_rules on firing_rules.name = '0'
where eighth_maxima.feature in (select part_counts.feature from part_counts)
group by firing_rules.rule, eighth_maxima.feature, eighth_maxima.language
