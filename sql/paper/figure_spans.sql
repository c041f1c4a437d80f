-- Title:   Over how many consecutive tokens do features fire, layer by layer?
-- Grain:   size, step, layer
-- Reads:   grid_cells, trends
-- Paper:   figure 6 (largest size), 9 (smallest) and 15 to 17 (those between)
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
    trends.mean_span,
    trends.mean_span_low,
    trends.mean_span_high,
    trends.mean_span_active,
    trends.mean_span_active_low,
    trends.mean_span_active_high
from trends
inner join grid_cells as grid using (size, step, layer)
where trends.population = 'alive'
order by grid.n_params, grid.size, grid.step, grid.layer
