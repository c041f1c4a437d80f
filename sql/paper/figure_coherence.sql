-- Title:   Do the tokens of a feature share a meaning, within a language and across languages?
-- Grain:   size, step, layer, source, kind
-- Reads:   controls, grid_cells, coherence_trends
-- Population: alive features. Exclusive tokens only: a digit or a name that two languages
-- share is similar to others of its kind in both, without any alignment.
with in_controls as (
    select
        controls.of_size as size,
        controls.of_step as step,
        controls.layer,
        coherence_trends.population,
        coherence_trends.source,
        coherence_trends.token_set,
        coherence_trends.kind,
        max(coherence_trends.excess) filter (where controls.control = 'random decoder')
            as excess_random_decoder,
        max(coherence_trends.excess) filter (where controls.control = 'shuffled weights')
            as excess_shuffled_weights,
        max(coherence_trends.excess) filter (where controls.control = 'random tokens')
            as excess_random_tokens
    from coherence_trends
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
    coherence_trends.source,
    coherence_trends.kind,
    coherence_trends.n_features,
    coherence_trends.coherence,
    coherence_trends.coherence_null,
    coherence_trends.excess,
    coherence_trends.excess_low,
    coherence_trends.excess_high,
    in_controls.excess_random_decoder,
    in_controls.excess_shuffled_weights,
    in_controls.excess_random_tokens
from coherence_trends
inner join grid_cells as grid using (size, step, layer)
left join in_controls using (size, step, layer, population, source, token_set, kind)
where
    coherence_trends.population = 'alive'
    and coherence_trends.token_set = 'exclusive'
order by
    grid.n_params,
    grid.size,
    grid.step,
    grid.layer,
    coherence_trends.source,
    coherence_trends.kind
