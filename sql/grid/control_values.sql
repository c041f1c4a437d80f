-- Title:   What does each trend show in a control of the same model, step and layer?
-- Grain:   size, step, layer, population, name; trends of cells that have a control
-- Reads:   controls, trend_values
-- The address is that of the cell in the grid. Null for a control that was not built. The
-- untrained model is in the grid itself.
select
    controls.of_size as size,
    controls.of_step as step,
    controls.layer,
    trend_values.population,
    trend_values.name,
    max(trend_values.value) filter (where controls.control = 'random decoder')
        as random_decoder,
    max(trend_values.value) filter (where controls.control = 'shuffled weights')
        as shuffled_weights,
    max(trend_values.value) filter (where controls.control = 'random tokens')
        as random_tokens
from controls
inner join trend_values using (size, step, layer)
where controls.control <> 'untrained'
group by
    controls.of_size,
    controls.of_step,
    controls.layer,
    trend_values.population,
    trend_values.name
