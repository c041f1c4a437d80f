-- Check:   Codes decrease along a row, with unused slots at its end
-- Why:     Readers take the first m columns as the TopK code of every m < k.
-- Guards:  the format: rows in rank order
-- Grain:   token_row
-- Reads:   code_rows
select
    token_row,
    n_used,
    n_rising
from code_rows
where n_rising > 0
