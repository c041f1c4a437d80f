-- Check:   Shares of translations lie between 0 and 1, in their intervals
-- Why:     They are shares of pairs of firings.
-- Guards:  same_topic, same_concept
-- Grain:   size, step, layer, population, language_a, language_b
-- Reads:   lexicon_translations
select
    size,
    step,
    layer,
    population,
    language_a,
    language_b,
    same_topic,
    same_concept
from lexicon_translations
where
    (same_topic between 0 and 1 + 1e-9) is not true
    or same_topic < same_topic_low - 1e-9
    or same_topic > same_topic_high + 1e-9
    or same_concept not between -1e-9 and 1 + 1e-9
    or same_concept < same_concept_low - 1e-9
    or same_concept > same_concept_high + 1e-9
