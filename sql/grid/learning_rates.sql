-- Title:   Which learning rate reconstructs each size best?
-- Grain:   size
-- Reads:   lr_search
-- Paper:   table 2
-- The rate with the least squared error on the validation split, the lower of two equal ones.
select
    size,
    step,
    layer,
    arg_min(lr, (mse, lr)) as lr,
    min(mse) as mse,
    count(*) as n_rates
from lr_search
where isfinite(mse)
group by size, step, layer
order by size
