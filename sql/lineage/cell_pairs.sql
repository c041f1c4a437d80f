-- Title:   Between which cells are features followed?
-- Grain:   size, step, layer, size_to, step_to, layer_to
-- Reads:   grid_cells
-- From each cell to the same layer at the next step and at the last one, to the next layer at
-- the same step, and at the last step to the layer of the next larger size that is nearest in
-- relative depth, the lower of two. Next: among the cells that are there, or are selected.
with ordered as (
    select
        *,
        dense_rank() over (partition by size, layer order by step) as step_rank,
        dense_rank() over (partition by size, step order by layer) as layer_rank,
        dense_rank() over (order by n_params, size) as size_rank
    from grid_cells
),

paired as (
    select
        cells.size,
        cells.step,
        cells.layer,
        others.size as size_to,
        others.step as step_to,
        others.layer as layer_to,
        cells.size = others.size
        and cells.layer = others.layer
        and cells.step_rank + 1 = others.step_rank as is_next_step,
        cells.size = others.size
        and cells.layer = others.layer
        and cells.step < others.step
        and others.is_last_step as is_last_step,
        cells.size = others.size
        and cells.step = others.step
        and cells.layer_rank + 1 = others.layer_rank as is_next_layer,
        cells.is_last_step
        and others.is_last_step
        and cells.size_rank + 1 = others.size_rank
        and row_number() over (
            partition by cells.size, cells.step, cells.layer, others.size, others.step
            order by abs(cells.relative_depth - others.relative_depth), others.layer
        ) = 1 as is_next_size
    from ordered as cells
    cross join ordered as others
)

select
    size,
    step,
    layer,
    size_to,
    step_to,
    layer_to,
    is_next_step,
    is_last_step,
    is_next_layer,
    is_next_size
from paired
where is_next_step or is_last_step or is_next_layer or is_next_size
