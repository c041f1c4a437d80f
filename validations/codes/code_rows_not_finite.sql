-- Check:   Every code is finite
-- Why:     A code that is not finite corrupts every sum and maximum that it enters.
-- Guards:  the format: value, float16
-- Grain:   token_row
-- Reads:   code_rows
select
    token_row,
    n_not_finite
from code_rows
where n_not_finite > 0
