-- Title:   How mixed and how monosemantic are features, layer by layer?
-- Grain:   size, step, layer
-- Reads:   grid_cells, trends
-- Paper:   figure 5 (largest size), 8 (smallest) and 12 to 14 (those between)
-- Population: alive features.
select
    grid.size,
    grid.step,
    grid.layer,
    grid.n_params,
    grid.is_largest_size as is_largest,
    grid.is_smallest_size as is_smallest,
    grid.tokens_seen,
    grid.tokens_first,
    grid.tokens_drawn,
    grid.relative_depth,
    trends.n_features,
    trends.mixed_share,
    trends.mixed_share_low,
    trends.mixed_share_high,
    trends.mixed_share_null,
    trends.mixed_share_paired,
    trends.mixed_share_exclusive,
    trends.mixed_share_exclusive_low,
    trends.mixed_share_exclusive_high,
    trends.monosemanticity,
    trends.monosemanticity_low,
    trends.monosemanticity_high,
    trends.monosemanticity_null
from trends
inner join grid_cells as grid using (size, step, layer)
where trends.population = 'alive'
order by grid.n_params, grid.size, grid.step, grid.layer
