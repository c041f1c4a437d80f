-- Title:   Do larger models have more mixed and more monosemantic features?
-- Grain:   size
-- Reads:   grid_cells, trends
-- Best:    highest of mixed_share, mixed_share_exclusive, monosemanticity
-- Paper:   the slides' table of model sizes
-- Each size's middle layer at its last step; alive features. Intervals are over features
-- alone.
select
    grid.size,
    grid.n_params,
    grid.step,
    grid.layer,
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
    trends.monosemanticity_null,
    trends.mean_span,
    trends.mean_span_low,
    trends.mean_span_high,
    trends.mean_span_active,
    trends.mean_span_active_low,
    trends.mean_span_active_high
from trends
inner join grid_cells as grid using (size, step, layer)
where grid.is_middle and grid.is_last_step and trends.population = 'alive'
order by grid.n_params, grid.size
