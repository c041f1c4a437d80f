-- Title:   How many concepts does each topic of the lexicon have?
-- Grain:   topic
-- Reads:   lexicon
select
    topic,
    count(distinct concept) as n_concepts
from lexicon
group by topic
