-- Check:   Every code belongs to an existing feature
-- Why:     A number beyond the last feature would be read as another feature's.
-- Guards:  the format: index < n
-- Grain:   token_row
-- Reads:   code_rows
select
    token_row,
    n_beyond
from code_rows
where n_beyond > 0
