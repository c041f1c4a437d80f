-- Title:   Which texts of translation pairs are there?
-- Grain:   text
-- Reads:   pair_tokens
-- Kept:    read by each product
-- Numbers are faster to group by than names.
with texts as (
    select distinct
        language,
        pair
    from pair_tokens
)

select
    language,
    pair,
    (row_number() over (order by language, pair))::integer as text,
    (dense_rank() over (order by language))::integer as language_number
from texts
