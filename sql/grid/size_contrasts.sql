-- Title:   Which sizes are compared with which?
-- Grain:   of_size, comparison, size
-- Reads:   grid_cells
-- Paper:   figures 8 and 9: larger models are more mixed
-- Middle layers at the last step: each size is compared with the next smaller one, and the
-- largest with the smallest.
with middles as (
    select
        size,
        step,
        layer,
        row_number() over (order by n_params, size) as rank,
        count(*) over () as n
    from grid_cells
    where is_middle and is_last_step and tokens_seen > 0
)

select
    larger.size as of_size,
    concat(larger.size, ' over ', smaller.size) as comparison,
    item.size,
    item.step,
    item.layer,
    item.weight
from middles as larger
inner join middles as smaller
    on
        larger.rank = smaller.rank + 1
        or (smaller.rank = 1 and larger.rank = larger.n and larger.n > 2)
cross join lateral (
    values
    (larger.size, larger.step, larger.layer, 1),
    (smaller.size, smaller.step, smaller.layer, -1)
) as item (size, step, layer, weight)
