-- Title:   Promises over a cell's codes that could not be checked when it was built
-- Grain:   size, step, layer, promise
-- Reads:   code_promises
select
    size,
    step,
    layer,
    promise,
    observed
from code_promises
where status = 'error'
