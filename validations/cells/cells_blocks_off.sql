-- Check:   Every cell of a size has the same number of blocks, and its layer is among them
-- Why:     Middle layers, regions and relative depths are parts of that number.
-- Guards:  n_layers: the model's number of blocks
-- Grain:   size, step, layer
-- Reads:   cells
with sizes as (
    select
        size,
        mode(n_layers) as n_layers
    from cells
    group by size
)

select
    cells.size,
    cells.step,
    cells.layer,
    cells.n_layers
from cells
inner join sizes on cells.size = sizes.size
where cells.n_layers <> sizes.n_layers or cells.layer > cells.n_layers
