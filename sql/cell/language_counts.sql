-- Title:   How often does each feature fire in each language: of the document, of the permuted
--          documents, and of the token where it is exclusive to one?
-- Grain:   rule, feature, kind, language by its position in the study's list
-- Reads:   token_rules, vocab, firing_rules, settings
-- A token is exclusive if it occurs in one language only, or nearly. Then its own language
-- counts, whatever the document's: a Japanese document may quote English.
with counts as (
    select
        token_rules.feature,
        token_rules.language,
        token_rules.language_permuted,
        list_position(settings.languages, vocab.language)::utinyint as own_language,
        token_rules.rules,
        sum(token_rules.n_firings)::bigint as n
    from token_rules
    cross join settings
    left join vocab on token_rules.token_id = vocab.token_id
    group by all
),

by_rule as materialized (
    select
        firing_rules.rule,
        counts.feature,
        counts.language,
        counts.language_permuted,
        counts.own_language,
        sum(counts.n)::bigint as n
    from counts
    inner join firing_rules on counts.rules & firing_rules.bit > 0
    group by all
)

select
    rule,
    feature,
    'true' as kind,
    language,
    sum(n)::bigint as n_firings
from by_rule
group by rule, feature, language
union all
select
    rule,
    feature,
    'permuted' as kind,
    language_permuted as language,
    sum(n)::bigint as n_firings
from by_rule
group by rule, feature, language_permuted
union all
select
    rule,
    feature,
    'exclusive' as kind,
    own_language as language,
    sum(n)::bigint as n_firings
from by_rule
where own_language is not null
group by rule, feature, own_language
