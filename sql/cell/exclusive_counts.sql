-- Title:   How often does each feature fire in each language, on exclusive tokens?
-- Grain:   rule, feature, language by its position in the study's list
-- Reads:   token_rules, vocab, firing_rules
-- Exclusive: a token that occurs in one language only, or nearly.
with counts as (
    select
        token_rules.feature,
        token_rules.language,
        token_rules.rules,
        sum(token_rules.n_firings)::bigint as n_firings
    from token_rules
    inner join vocab on token_rules.token_id = vocab.token_id
    where vocab.language is not null
    group by token_rules.feature, token_rules.language, token_rules.rules
)

select
    firing_rules.rule,
    counts.feature,
    counts.language,
    sum(counts.n_firings)::bigint as n_firings
from counts
inner join firing_rules on counts.rules & firing_rules.bit > 0
group by firing_rules.rule, counts.feature, counts.language
