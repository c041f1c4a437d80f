-- Check:   Every value of a setting has one row
-- Why:     Which of two rows counts would be chance.
-- Guards:  grain of sensitivity: one cell, setting, value and population
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
