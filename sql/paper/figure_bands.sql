-- Title:   How sure are the trends, if other documents had been sampled?
-- Grain:   size, step, measure
-- Reads:   bands, control_values, grid_cells, uncertainty
-- Each size's middle layer; alive features. low and high: the 95 % interval over documents of
-- each step; band_low and band_high: the band that holds at all trained steps at once;
-- features_low and features_high: the interval over features alone.
select
    grid.size,
    grid.step,
    grid.layer,
    grid.n_params,
    grid.tokens_seen,
    grid.tokens_first,
    grid.tokens_drawn,
    uncertainty.name as measure,
    uncertainty.estimate,
    uncertainty.low,
    uncertainty.high,
    bands.low as band_low,
    bands.high as band_high,
    bands.n_replicates,
    uncertainty.features_low,
    uncertainty.features_high,
    uncertainty.design_effect,
    controls.random_decoder as estimate_random_decoder,
    controls.shuffled_weights as estimate_shuffled_weights,
    controls.random_tokens as estimate_random_tokens
from uncertainty
inner join grid_cells as grid using (size, step, layer)
left join bands using (size, step, layer, population, name)
left join control_values as controls using (size, step, layer, population, name)
where
    grid.is_middle
    and uncertainty.population = 'alive'
    and uncertainty.name in ('mixed_share', 'monosemanticity')
order by grid.n_params, grid.size, grid.step, uncertainty.name
