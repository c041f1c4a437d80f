-- Title:   How many concepts has each topic of the lexicon?
-- Grain:   topic
-- Reads:   lexicon
select
    topic,
    count(distinct concept) as n_concepts
from lexicon
group by topic
