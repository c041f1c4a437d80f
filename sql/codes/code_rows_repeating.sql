-- Title:   Tokens with more than k codes, or with one feature in two of them
-- Grain:   token_row
-- Reads:   code_rows, cell_settings
select
    code_rows.token_row,
    code_rows.n_used,
    code_rows.n_repeated
from code_rows
cross join cell_settings
where code_rows.n_used > cell_settings.k or code_rows.n_repeated > 0
