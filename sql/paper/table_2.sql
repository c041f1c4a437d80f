-- Title:   Which learning rate is best for the autoencoders of each size?
-- Grain:   size
-- Reads:   cells, learning_rates
-- Paper:   table 2
with sizes as (
    select
        size,
        max(n_params) as n_params
    from cells
    group by size
)

select
    rates.size,
    sizes.n_params,
    rates.step,
    rates.layer,
    rates.lr,
    rates.mse,
    rates.n_rates
from learning_rates as rates
left join sizes on rates.size = sizes.size
order by sizes.n_params, rates.size
