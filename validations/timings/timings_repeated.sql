-- Check:   Every cell's training time has one row
-- Why:     A cell with two rows counts twice in table 3.
-- Guards:  table 3: training time
-- Grain:   size, step, layer
-- Reads:   timings
select
    size,
    step,
    layer,
    count(*) as n_rows
from timings
group by size, step, layer
having count(*) > 1
