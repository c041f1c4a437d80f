-- Title:   Cells whose promises over codes were not checked when they were built
-- Grain:   size, step, layer
-- Reads:   cells, code_promises
select
    cells.size,
    cells.step,
    cells.layer
from cells
anti join code_promises using (size, step, layer)
