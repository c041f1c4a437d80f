-- Title:   Do mixed features fire on words that are translations of each other?
-- Grain:   size, step, layer, language_a, language_b
-- Reads:   grid_cells, lexicon_translations
-- Same topic: the share of a feature's pairs of firings, one in each language, within one
-- topic. Same concept: of those, the share that are translations of each other. Supported
-- features only: one or two pairs of a feature that fires rarely say little.
select
    grid.size,
    grid.step,
    grid.layer,
    grid.n_params,
    grid.tokens_seen,
    grid.tokens_first,
    grid.tokens_drawn,
    grid.relative_depth,
    lexicon_translations.language_a,
    lexicon_translations.language_b,
    lexicon_translations.n_features,
    lexicon_translations.same_topic,
    lexicon_translations.same_topic_low,
    lexicon_translations.same_topic_high,
    lexicon_translations.same_topic_chance,
    lexicon_translations.n_same_topic,
    lexicon_translations.same_concept,
    lexicon_translations.same_concept_low,
    lexicon_translations.same_concept_high,
    lexicon_translations.same_concept_chance
from lexicon_translations
inner join grid_cells as grid using (size, step, layer)
where lexicon_translations.population = 'supported'
order by
    grid.n_params,
    grid.size,
    grid.step,
    grid.layer,
    lexicon_translations.language_a,
    lexicon_translations.language_b
