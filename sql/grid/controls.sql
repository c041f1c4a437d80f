-- Title:   Which cells are controls, and of which cell of the grid?
-- Grain:   size, step, layer, of_size, of_step; the layer is the same
-- Reads:   cells
-- control: the kind of control; `untrained` are the cells of the model at step 0, as controls
-- of all its steps.
select
    control,
    size,
    step,
    layer,
    control_of as of_size,
    step as of_step
from cells
where control is not null
union all
select
    'untrained' as control,
    untrained.size,
    untrained.step,
    untrained.layer,
    grid.size as of_size,
    grid.step as of_step
from cells as untrained
inner join cells as grid using (size, layer)
where untrained.tokens_seen = 0 and untrained.control is null and grid.tokens_seen > 0
