-- Title:   Cells that stand more than once
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
