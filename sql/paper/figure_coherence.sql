-- Title:   Do the tokens of a feature share a meaning, within a language and across languages?
-- Grain:   size, step, layer, source, kind
-- Reads:   grid_cells, coherence_trends
-- Population: alive features. Exclusive tokens only: a digit or a name that two languages
-- share is similar to others of its kind in both, without any alignment.
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
    coherence_trends.excess_high
from coherence_trends
inner join grid_cells as grid using (size, step, layer)
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
