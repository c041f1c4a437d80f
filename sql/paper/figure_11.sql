-- Title:   How does the reconstruction error depend on the learning rate?
-- Grain:   size, lr
-- Reads:   cells, learning_rates, lr_search
-- Best:    lowest of mse by size
-- Paper:   figure 11
-- The middle layer of each size at its last step, validation split; the error of a rate that
-- diverged is null.
with sizes as (
    select
        size,
        max(n_params) as n_params
    from cells
    group by size
)

select
    lr_search.size,
    sizes.n_params,
    lr_search.step,
    lr_search.layer,
    lr_search.lr,
    if(isfinite(lr_search.mse), lr_search.mse, null) as mse,
    lr_search.lr = learning_rates.lr as is_best
from lr_search
left join learning_rates using (size, step, layer)
left join sizes on lr_search.size = sizes.size
order by sizes.n_params, lr_search.size, lr_search.lr
