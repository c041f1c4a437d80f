-- Check:   No unused slot names a feature
-- Why:     A feature without a value may be taken for an active one.
-- Guards:  the format: an unused slot is index 0, value 0
-- Grain:   token_row
-- Reads:   code_rows
select
    token_row,
    n_unused_named
from code_rows
where n_unused_named > 0
