-- Check:   Every weight is finite
-- Why:     A weight that is not finite makes the codes meaningless.
-- Guards:  equations 1 and 2
-- Grain:   name
-- Reads:   cell_arrays
select
    name,
    n_not_finite
from cell_arrays
where n_not_finite > 0
