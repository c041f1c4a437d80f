-- Title:   Rows of codes whose values do not fall, unused places last
-- Grain:   token_row
-- Reads:   code_rows
select
    token_row,
    n_used,
    n_rising
from code_rows
where n_rising > 0
