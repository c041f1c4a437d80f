-- Title:   Rows with a code that is not finite
-- Grain:   token_row
-- Reads:   code_rows
select
    token_row,
    n_not_finite
from code_rows
where n_not_finite > 0
