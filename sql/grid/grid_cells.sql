-- Title:   Where is each cell in the study's grid, which has no controls?
-- Grain:   size, step, layer
-- Reads:   cells
-- L is the model's number of blocks, or the highest layer in the grid where no cell tells it.
-- The middle layer of a size is the grid's layer nearest to L // 2, the lower of two, and layer
-- 0 only if there is no other; `Model.middle_cell` is the same in Python. Lower: l <= L / 3;
-- upper: l > 2 L / 3. Sizes are compared by their parameters. A log axis has no 0: the
-- untrained model is drawn at a quarter of the first trained checkpoint's tokens.
with grid as (
    select *
    from cells
    where control is null
),

sizes as (
    select
        size,
        max(step) as last_step,
        coalesce(max(n_layers), max(layer)) as n_layers
    from grid
    group by size
),

middles as (
    select
        grid.size,
        arg_min(
            grid.layer,
            (grid.layer = 0, abs(grid.layer - sizes.n_layers // 2), grid.layer)
        ) as middle_layer
    from grid
    inner join sizes on grid.size = sizes.size
    group by grid.size
),

study as (
    select
        coalesce(min(tokens_seen) filter (where tokens_seen > 0), 4) as tokens_first,
        arg_max(size, (n_params, size)) as largest_size,
        arg_min(size, (n_params, size)) as smallest_size
    from grid
)

select
    grid.size,
    grid.step,
    grid.layer,
    grid.n_params,
    grid.tokens_seen,
    study.tokens_first,
    if(grid.tokens_seen > 0, grid.tokens_seen, study.tokens_first / 4) as tokens_drawn,
    coalesce(grid.layer / nullif(sizes.n_layers, 0), 0) as relative_depth,
    case
        when 3 * grid.layer <= sizes.n_layers then 'lower'
        when 3 * grid.layer <= 2 * sizes.n_layers then 'middle'
        else 'upper'
    end as region,
    grid.layer = middles.middle_layer as is_middle,
    grid.step = sizes.last_step as is_last_step,
    grid.size = study.largest_size as is_largest_size,
    grid.size = study.smallest_size as is_smallest_size
from grid
cross join study
inner join sizes on grid.size = sizes.size
inner join middles on grid.size = middles.size
