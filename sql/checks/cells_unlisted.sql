-- Title:   Cells that have features but are not in `cells`
-- Grain:   size, step, layer
-- Reads:   cells, features_counted
with alive as (
    select
        size,
        step,
        layer,
        sum(n) as n_alive
    from features_counted
    group by size, step, layer
)

select
    alive.size,
    alive.step,
    alive.layer,
    alive.n_alive
from alive
anti join cells using (size, step, layer)
