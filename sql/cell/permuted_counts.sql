-- Title:   How often does each feature fire in each language, those of documents permuted?
-- Grain:   rule, feature, language by its position in the study's list
-- Reads:   token_rules, firing_rules
with counts as (
    select
        feature,
        language_permuted as language,
        rules,
        sum(n_firings)::bigint as n_firings
    from token_rules
    group by feature, language_permuted, rules
)

select
    firing_rules.rule,
    counts.feature,
    counts.language,
    sum(counts.n_firings)::bigint as n_firings
from counts
inner join firing_rules on counts.rules & firing_rules.bit > 0
group by firing_rules.rule, counts.feature, counts.language
