-- Check:   Every learning rate is tried once per cell
-- Why:     Which of two errors counts would be chance.
-- Guards:  table 2: the learning-rate grid
-- Grain:   size, step, layer, lr
-- Reads:   lr_search
select
    size,
    step,
    layer,
    lr,
    count(*) as n_rows
from lr_search
group by size, step, layer, lr
having count(*) > 1
