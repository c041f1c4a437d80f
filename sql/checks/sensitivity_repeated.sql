-- Title:   Values of a setting that have not exactly one row
-- Grain:   size, step, layer, setting, value, population
-- Reads:   sensitivity
select
    size,
    step,
    layer,
    setting,
    value,
    population,
    count(*) as n_rows
from sensitivity
group by size, step, layer, setting, value, population
having count(*) > 1
