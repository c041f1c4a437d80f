-- Check:   No two steps of a size share the weights of the embedding, a block or the head
-- Why:     Public checkpoint series have shipped files of one step under another, and final
--          weights under early steps.
-- Guards:  every step is a checkpoint of its own
-- Grain:   size, step, earlier_step
-- Reads:   weight_findings
-- Weights that were frozen in training are the same in all steps.
select
    size,
    step,
    earlier_step,
    weights
from weight_findings
where finding = 'shared'
