-- Title:   Where is each cell drawn, on the axis of tokens and in its model?
-- Grain:   size, step, layer
-- Reads:   cells
-- A log axis has no 0: the untrained model is drawn at a quarter of the first trained
-- checkpoint's tokens, labelled as untrained, and no line leads to it. Middle is the
-- layer nearest to half of the highest in the grid, layer 0 only if there is no other.
with firsts as (
    select coalesce(min(tokens_seen) filter (where tokens_seen > 0), 4) as tokens_first
    from cells
),

heights as (
    select
        size,
        layer,
        max(layer) over (partition by size) as highest
    from cells
),

layers as (
    select
        size,
        max(highest) as highest,
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
    firsts.tokens_first,
    if(cells.tokens_seen > 0, cells.tokens_seen, firsts.tokens_first / 4)
        as tokens_drawn,
    coalesce(cells.layer / nullif(layers.highest, 0), 0) as relative_depth,
    cells.layer = layers.middle as is_middle
from cells
cross join firsts
inner join layers on cells.size = layers.size
