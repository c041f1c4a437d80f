-- Title:   Learning rates that are searched more than once
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
