-- Title:   Which cells do figures 4 and 7 show?
-- Grain:   figure, panel
-- Reads:   cell_places, features
-- The largest size. Figure 4, its middle layer: the first trained step (early), the one
-- with the lowest mixed share (middle), the last (late). Figure 7, its last step: layers at
-- the depths of the paper's 2nd (lower) and 26th (upper) of 28.
with steps as (
    select
        places.size,
        places.layer,
        places.step,
        count(*) filter (where features.language = 'mixed') / count(*) as mixed_share
    from features
    inner join cell_places as places using (size, step, layer)
    where places.is_largest and places.is_middle and places.tokens_seen > 0
    group by places.size, places.layer, places.step
),

depths as (
    select
        size,
        step,
        layer,
        (layer = 0, round(abs(relative_depth - 2 / 28), 9), layer) as from_lower,
        (layer = 0, round(abs(relative_depth - 26 / 28), 9), layer) as from_upper
    from cell_places
    where is_largest and is_last
)

select
    4 as figure,
    unnest(['early', 'middle', 'late']) as panel,
    size,
    unnest([min(step), arg_min(step, (mixed_share, step)), max(step)]) as step,
    layer
from steps
group by size, layer
union all
select
    7 as figure,
    unnest(['lower', 'upper']) as panel,
    size,
    step,
    unnest([arg_min(layer, from_lower), arg_min(layer, from_upper)]) as layer
from depths
group by size, step
