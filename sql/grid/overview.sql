-- Title:   The trends of each size's middle layer, at a glance
-- Grain:   size, step
-- Reads:   grid_cells, trends
-- Population: alive features.
select
    trends.size,
    trends.step,
    trends.layer,
    trends.tokens_seen,
    trends.n_features,
    trends.n_dead,
    trends.mixed_share,
    trends.mixed_share_null,
    trends.mixed_share_by_tokens,
    trends.mixed_share_sure,
    trends.mixed_share_paired,
    trends.mixed_share_exclusive,
    trends.monosemanticity,
    trends.monosemanticity_null,
    trends.monosemanticity_two_tokens,
    trends.mean_span,
    trends.fvu
from trends
inner join grid_cells as grid using (size, step, layer)
where grid.is_middle and trends.population = 'alive'
order by grid.n_params, trends.size, trends.step
