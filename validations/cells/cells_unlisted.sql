-- Check:   Every cell with features is in `cells`
-- Why:     The views start from `cells`: a cell that is missing there is silently missing
--          everywhere.
-- Guards:  grain of cells: size, step, layer
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
