-- Check:   Every check of a cell's codes passed when the cell was built
-- Why:     All tables are computed from codes and weights, and are only as good as these.
-- Guards:  validations/codes/, cell by cell
-- Grain:   size, step, layer, check_name
-- Reads:   code_checks
select
    size,
    step,
    layer,
    check_name,
    n_bad,
    rows
from code_checks
where status = 'fail'
