-- Title:   Do mixed features fire on words that are translations of each other?
-- Grain:   size, step, layer, language_a, language_b
-- Reads:   controls, grid_cells, lexicon_translations
-- Same topic: the share of a feature's pairs of firings, one in each language, within one
-- topic. Same concept: of those, the share that are translations of each other. Supported
-- features only: one or two pairs of a feature that fires rarely say little.
with in_controls as (
    select
        controls.of_size as size,
        controls.of_step as step,
        controls.layer,
        lexicon_translations.population,
        lexicon_translations.language_a,
        lexicon_translations.language_b,
        max(lexicon_translations.same_topic) filter (where controls.control = 'random decoder')
            as same_topic_random_decoder,
        max(lexicon_translations.same_topic) filter (where controls.control = 'shuffled weights')
            as same_topic_shuffled_weights,
        max(lexicon_translations.same_topic) filter (where controls.control = 'random tokens')
            as same_topic_random_tokens,
        max(lexicon_translations.same_concept) filter (where controls.control = 'random decoder')
            as same_concept_random_decoder,
        max(lexicon_translations.same_concept) filter (where controls.control = 'shuffled weights')
            as same_concept_shuffled_weights,
        max(lexicon_translations.same_concept) filter (where controls.control = 'random tokens')
            as same_concept_random_tokens
    from lexicon_translations
    inner join controls using (size, step, layer)
    where controls.control <> 'untrained'
    group by all
)

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
    lexicon_translations.same_concept_chance,
    in_controls.same_topic_random_decoder,
    in_controls.same_topic_shuffled_weights,
    in_controls.same_topic_random_tokens,
    in_controls.same_concept_random_decoder,
    in_controls.same_concept_shuffled_weights,
    in_controls.same_concept_random_tokens
from lexicon_translations
inner join grid_cells as grid using (size, step, layer)
left join in_controls using (size, step, layer, population, language_a, language_b)
where lexicon_translations.population = 'supported'
order by
    grid.n_params,
    grid.size,
    grid.step,
    grid.layer,
    lexicon_translations.language_a,
    lexicon_translations.language_b
