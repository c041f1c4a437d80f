-- Title:   Which tokens belong to one language?
-- Grain:   token_id
-- Reads:   token_strings, tokens, settings
-- Exclusive: more than a share of its occurrences, per equal text, in one language.
with totals as (
    select
        language,
        count(*) as n
    from tokens
    group by language
),

rates as (
    select
        tokens.token_id,
        tokens.language,
        count(*) / any_value(totals.n) as rate
    from tokens
    inner join totals on tokens.language = totals.language
    group by tokens.token_id, tokens.language
),

exclusive as (
    select
        token_id,
        arg_max(language, rate) as language
    from rates
    group by token_id
    -- Rounded: 9 of 10 occurrences are no more than 0.9, whatever the last bit says.
    having
        round(max(rate) / fsum(rate), 12)
        > (select exclusive_threshold from settings)
)

select
    token_strings.token_id,
    token_strings.token,
    exclusive.language
from token_strings
left join exclusive on token_strings.token_id = exclusive.token_id
