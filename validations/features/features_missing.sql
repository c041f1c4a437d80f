-- Check:   Alive and dead features add up to all features of a cell
-- Why:     A lost feature changes every share unnoticed.
-- Guards:  alive: not dead
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
    cells.size,
    cells.step,
    cells.layer,
    cells.n_features,
    cells.n_dead,
    coalesce(alive.n_alive, 0) as n_alive
from cells
left join alive using (size, step, layer)
where cells.n_features is distinct from cells.n_dead + coalesce(alive.n_alive, 0)
