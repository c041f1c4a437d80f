-- Title:   Rows with an unused place that names a feature
-- Grain:   token_row
-- Reads:   code_rows
select
    token_row,
    n_unused_named
from code_rows
where n_unused_named > 0
