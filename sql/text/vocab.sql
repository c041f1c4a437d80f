-- Title:   Which tokens are exclusive to one language?
-- Grain:   token_id
-- Reads:   token_strings, tokens, settings
-- Exclusive: more than a given share of the token's occurrences, per equal text, is in one
-- language. A token that occurs once is in one language by necessity, so there is a minimum.
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
        count(*) as n,
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
    -- Rounded, so that 9 of 10 occurrences are not more than 0.9 in the last bit.
    having
        sum(n) >= (select min_exclusive_occurrences from settings)
        and round(max(rate) / fsum(rate), 12)
        > (select exclusive_threshold from settings)
)

select
    token_strings.token_id,
    token_strings.token,
    exclusive.language
from token_strings
left join exclusive on token_strings.token_id = exclusive.token_id
