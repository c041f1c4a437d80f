-- Title:   Rows with a code below zero
-- Grain:   token_row
-- Reads:   code_rows
select
    token_row,
    n_negative
from code_rows
where n_negative > 0
