-- Title:   How mixed and how monosemantic are features, layer by layer?
-- Grain:   size, step, layer
-- Reads:   control_values, grid_cells, trends
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
    trends.monosemanticity_null,
    mixed.random_decoder as mixed_share_random_decoder,
    mixed.shuffled_weights as mixed_share_shuffled_weights,
    mixed.random_tokens as mixed_share_random_tokens,
    mono.random_decoder as monosemanticity_random_decoder,
    mono.shuffled_weights as monosemanticity_shuffled_weights,
    mono.random_tokens as monosemanticity_random_tokens
from trends
inner join grid_cells as grid using (size, step, layer)
left join control_values as mixed
    on
        trends.size = mixed.size
        and trends.step = mixed.step
        and trends.layer = mixed.layer
        and trends.population = mixed.population
        and mixed.name = 'mixed_share'
left join control_values as mono
    on
        trends.size = mono.size
        and trends.step = mono.step
        and trends.layer = mono.layer
        and trends.population = mono.population
        and mono.name = 'monosemanticity'
where trends.population = 'alive'
order by grid.n_params, grid.size, grid.step, grid.layer
