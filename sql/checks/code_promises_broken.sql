-- Title:   Promises over a cell's codes that were broken when it was built
-- Grain:   size, step, layer, promise
-- Reads:   code_promises
select
    size,
    step,
    layer,
    promise,
    n_bad,
    rows
from code_promises
where status = 'fail'
