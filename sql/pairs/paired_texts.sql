-- Title:   Which texts are translations of each other?
-- Grain:   language_a, language_b, pair; language_a before language_b
-- Reads:   texts
-- Kept:    read by each score
select
    texts_a.language as language_a,
    texts_b.language as language_b,
    texts_a.pair,
    texts_a.text as text_a,
    texts_b.text as text_b
from texts as texts_a
inner join texts as texts_b on texts_a.pair = texts_b.pair
where texts_a.language < texts_b.language
