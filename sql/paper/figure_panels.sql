-- Title:   Which cells do figures 4 and 7 show, and the examples of each class?
-- Grain:   figure, panel
-- Reads:   grid_cells, features
-- The largest size. Figure 4, its middle layer: the first trained step (early), the one
-- with the lowest mixed share (middle), the last (late). Figure 7, its last step: the
-- layers nearest in depth to the paper's 2nd (lower) and 26th (upper) of 28. Class examples:
-- its middle layer at its last step.
with steps as (
    select
        grid.size,
        grid.layer,
        grid.step,
        count(*) filter (where features.language = 'mixed') / count(*) as mixed_share
    from features
    inner join grid_cells as grid using (size, step, layer)
    where grid.is_largest_size and grid.is_middle and grid.tokens_seen > 0
    group by grid.size, grid.layer, grid.step
),

depths as (
    select
        size,
        step,
        layer,
        (layer = 0, round(abs(relative_depth - 2 / 28), 9), layer) as from_lower,
        (layer = 0, round(abs(relative_depth - 26 / 28), 9), layer) as from_upper
    from grid_cells
    where is_largest_size and is_last_step
)

select
    'figure_4' as figure,
    unnest(['early', 'middle', 'late']) as panel,
    size,
    unnest([min(step), arg_min(step, (mixed_share, step)), max(step)]) as step,
    layer
from steps
group by size, layer
union all
select
    'figure_7' as figure,
    unnest(['lower', 'upper']) as panel,
    size,
    step,
    unnest([arg_min(layer, from_lower), arg_min(layer, from_upper)]) as layer
from depths
group by size, step
union all
select
    'class_examples' as figure,
    'random' as panel,
    size,
    max(step) as step,
    layer
from steps
group by size, layer
