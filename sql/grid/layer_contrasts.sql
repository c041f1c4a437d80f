-- Title:   Which layers of each size are compared with which?
-- Grain:   size, comparison, layer
-- Reads:   grid_cells
-- Paper:   figure 5: the middle layers are the most mixed
-- The mean of the middle third of the layers over that of the lower and of the upper third,
-- at the last step, without layer 0; only where the grid has layers of both thirds.
with thirds as (
    select
        grid.size,
        grid.step,
        grid.layer,
        grid.region,
        others.region as other
    from grid_cells as grid
    cross join (values ('lower'), ('upper')) as others (region)
    where
        grid.is_last_step
        and grid.tokens_seen > 0
        and grid.layer > 0
        and grid.region in ('middle', others.region)
)

select
    size,
    concat('middle over ', other) as comparison,
    step,
    layer,
    if(region = 'middle', 1, -1) / count(*) over (partition by size, other, region) as weight
from thirds
qualify
    min(region) over (partition by size, other)
    <> max(region) over (partition by size, other)
