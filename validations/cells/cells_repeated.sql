-- Check:   Every cell has one row
-- Why:     A cell with two rows counts twice in every trend.
-- Guards:  grain of cells: size, step, layer
-- Grain:   size, step, layer
-- Reads:   cells
select
    size,
    step,
    layer,
    count(*) as n_rows
from cells
group by size, step, layer
having count(*) > 1
