-- Check:   Every concept has one topic
-- Why:     Words are drawn at random within their topic, which gives the chance level.
-- Guards:  same_concept_chance
-- Grain:   concept
-- Reads:   lexicon
select
    concept,
    min(topic) as topic,
    max(topic) as other_topic
from lexicon
group by concept
having min(topic) <> max(topic) or count(topic) < count(*)
