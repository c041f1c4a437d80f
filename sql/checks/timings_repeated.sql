-- Title:   Cells whose training time is recorded more than once
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
