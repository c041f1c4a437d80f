-- Check:   The chosen learning rate has the least error
-- Why:     The cells are trained with it.
-- Guards:  table 2: the rate of the least squared error
-- Grain:   size
-- Reads:   learning_rates, lr_search
with least_errors as (
    select
        size,
        min(mse) as mse
    from lr_search
    group by size
)

select
    best.size,
    best.step,
    best.layer,
    best.lr,
    best.mse,
    searched.mse as mse_searched
from learning_rates as best
inner join lr_search as searched using (size, step, layer, lr)
inner join least_errors using (size)
where (best.mse = searched.mse and best.mse = least_errors.mse) is not true
