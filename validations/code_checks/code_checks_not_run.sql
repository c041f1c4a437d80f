-- Check:   Every check of a cell's codes ran when the cell was built
-- Why:     A check that did not run says nothing about the codes.
-- Guards:  validations/codes/, cell by cell
-- Grain:   size, step, layer, check_name
-- Reads:   code_checks
select
    size,
    step,
    layer,
    check_name,
    observed
from code_checks
where status = 'error'
