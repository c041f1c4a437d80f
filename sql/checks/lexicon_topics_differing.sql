-- Title:   Concepts that are not of one topic
-- Grain:   concept
-- Reads:   lexicon
select
    concept,
    min(topic) as topic,
    max(topic) as other_topic
from lexicon
group by concept
having min(topic) <> max(topic) or count(topic) < count(*)
