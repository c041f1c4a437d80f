-- Title:   Which texts have a translation in which language?
-- Grain:   language_a, language_b, pair; both directions
-- Reads:   pair_tokens
-- Kept:    read by each score
with texts as (
    select distinct
        language,
        pair
    from pair_tokens
)

select
    text_a.language as language_a,
    text_b.language as language_b,
    text_a.pair
from texts as text_a
inner join texts as text_b on text_a.pair = text_b.pair
where text_a.language <> text_b.language
