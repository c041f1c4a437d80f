-- Title:   Which layers are the thirds of each size?
-- Grain:   size, comparison, layer
-- Reads:   cell_places
-- Paper:   figure 5: the middle layers are the most mixed
-- The last step; lower: l <= L/3, upper: l > 2L/3, L the highest layer in the grid, without
-- layer 0. The mean of a third over that of another, where the grid has both.
with places as (
    select
        size,
        step,
        layer,
        max(step) over (partition by size) as step_last,
        max(layer) over (partition by size) as highest
    from cell_places
    where tokens_seen > 0 and layer > 0
),

thirds as (
    select
        places.size,
        places.step,
        places.layer,
        others.third as other,
        case
            when places.layer * 3 <= places.highest then 'lower'
            when places.layer * 3 > places.highest * 2 then 'upper'
            else 'middle'
        end as third
    from places
    cross join (values ('lower'), ('upper')) as others (third)
    where places.step = places.step_last
)

select
    size,
    concat('middle over ', other) as comparison,
    step,
    layer,
    if(third = 'middle', 1, -1) / count(*) over (partition by size, other, third) as weight
from thirds
where third in ('middle', other)
qualify
    min(third) over (partition by size, other)
    <> max(third) over (partition by size, other)
