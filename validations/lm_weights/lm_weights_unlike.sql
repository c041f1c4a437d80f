-- Check:   No step is unlike an earlier and a later step that are like each other
-- Why:     The weights of a step come from elsewhere in the series, or from another model.
-- Guards:  every step is a checkpoint of its own
-- Grain:   size, step, earlier_step, later_step
-- Reads:   weight_findings
select
    size,
    step,
    earlier_step,
    later_step,
    weights
from weight_findings
where finding = 'unlike'
