-- Check:   Every word of a concept is listed once
-- Why:     A word that is listed twice is matched twice.
-- Guards:  grain of lexicon: concept, language, word
-- Grain:   concept, language, word
-- Reads:   lexicon
select
    concept,
    language,
    word,
    count(*) as n_rows
from lexicon
group by concept, language, word
having count(*) > 1
