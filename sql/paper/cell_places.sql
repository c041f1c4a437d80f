-- Title:   Where is each cell drawn, on the axis of tokens and in its model?
-- Grain:   size, step, layer
-- Reads:   cells
-- A log axis has no 0: the untrained model is drawn at a quarter of the first trained
-- checkpoint's tokens, labelled as untrained, and no line leads to it. Middle is the
-- layer nearest to half of the highest in the grid, layer 0 only if there is no other.
-- Regions are thirds of that height. Sizes are compared by their parameters.
with grid as (
    select
        coalesce(min(tokens_seen) filter (where tokens_seen > 0), 4) as tokens_first,
        arg_max(size, (n_params, size)) as largest,
        arg_min(size, (n_params, size)) as smallest
    from cells
),

heights as (
    select
        size,
        step,
        layer,
        max(layer) over (partition by size) as highest
    from cells
),

models as (
    select
        size,
        max(highest) as highest,
        max(step) as last_step,
        arg_min(layer, (layer = 0, abs(layer - highest // 2), layer)) as middle
    from heights
    group by size
)

select
    cells.size,
    cells.step,
    cells.layer,
    cells.n_params,
    cells.tokens_seen,
    grid.tokens_first,
    if(cells.tokens_seen > 0, cells.tokens_seen, grid.tokens_first / 4)
        as tokens_drawn,
    coalesce(cells.layer / nullif(models.highest, 0), 0) as relative_depth,
    case
        when 3 * cells.layer <= models.highest then 'lower'
        when 3 * cells.layer <= 2 * models.highest then 'middle'
        else 'upper'
    end as region,
    cells.layer = models.middle as is_middle,
    cells.step = models.last_step as is_last,
    cells.size = grid.largest as is_largest,
    cells.size = grid.smallest as is_smallest
from cells
cross join grid
inner join models on cells.size = models.size
