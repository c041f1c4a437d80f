-- Title:   Words that stand more than once for a concept
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
