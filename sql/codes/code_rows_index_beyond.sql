-- Title:   Rows with a code of a feature that there is not
-- Grain:   token_row
-- Reads:   code_rows
select
    token_row,
    n_beyond
from code_rows
where n_beyond > 0
