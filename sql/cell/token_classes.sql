-- Title:   Would each feature be mixed by the tokens that its main language shares with others?
-- Grain:   feature
-- Reads:   token_rules, token_occurrences, settings
-- The null of a mixed feature: a feature of one language that fires on tokens, not on what
-- they mean. Take its firings in the language where it fires most, and suppose that it
-- fires on the same tokens at the same rate in documents of the others, where they occur
-- because languages share them or because a document's label is wrong. Such a feature is
-- `mixed` if the main language then has no more than the class threshold of its firings.
with by_language as (
    select
        token_rules.feature,
        token_rules.language,
        sum(token_rules.n_firings)::double as n,
        sum((token_rules.n_firings * token_occurrences.elsewhere)::decimal(38, 9))::double
            as n_elsewhere
    from token_rules
    inner join token_occurrences
        on
            token_rules.token_id = token_occurrences.token_id
            and token_rules.language = token_occurrences.language
    where token_rules.rules & 1 > 0
    group by token_rules.feature, token_rules.language
)

select
    by_language.feature,
    arg_max(by_language.n / (by_language.n + by_language.n_elsewhere), by_language.n)
    <= any_value(settings.class_threshold) as mixed_by_tokens
from by_language
cross join settings
group by by_language.feature
