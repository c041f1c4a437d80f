-- Title:   Do mixed features join words that are translations of each other?
-- Grain:   size, step, layer, language_a, language_b
-- Reads:   cell_places, translations
-- Same topic: of a feature's pairs of firings, one in each language, the share in one
-- topic. Same concept: of those, the share that are translations of each other. Supported
-- features: of those that fire rarely, a pair or two tells little.
select
    places.size,
    places.step,
    places.layer,
    places.n_params,
    places.tokens_seen,
    places.tokens_first,
    places.tokens_drawn,
    places.relative_depth,
    translations.language_a,
    translations.language_b,
    translations.n_features,
    translations.same_topic,
    translations.same_topic_low,
    translations.same_topic_high,
    translations.same_topic_chance,
    translations.n_same_topic,
    translations.same_concept,
    translations.same_concept_low,
    translations.same_concept_high,
    translations.same_concept_chance
from translations
inner join cell_places as places using (size, step, layer)
where translations.population = 'supported'
order by
    places.n_params,
    places.size,
    places.step,
    places.layer,
    translations.language_a,
    translations.language_b
