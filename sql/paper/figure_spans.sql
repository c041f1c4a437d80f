-- Title:   Over how many consecutive tokens do features fire, layer by layer?
-- Grain:   size, step, layer
-- Reads:   control_values, grid_cells, trends
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
    trends.mean_span_active_high,
    firing.random_decoder as mean_span_random_decoder,
    firing.shuffled_weights as mean_span_shuffled_weights,
    firing.random_tokens as mean_span_random_tokens,
    active.random_decoder as mean_span_active_random_decoder,
    active.shuffled_weights as mean_span_active_shuffled_weights,
    active.random_tokens as mean_span_active_random_tokens
from trends
inner join grid_cells as grid using (size, step, layer)
left join control_values as firing
    on
        trends.size = firing.size
        and trends.step = firing.step
        and trends.layer = firing.layer
        and trends.population = firing.population
        and firing.name = 'mean_span'
left join control_values as active
    on
        trends.size = active.size
        and trends.step = active.step
        and trends.layer = active.layer
        and trends.population = active.population
        and active.name = 'mean_span_active'
where trends.population = 'alive'
order by grid.n_params, grid.size, grid.step, grid.layer
