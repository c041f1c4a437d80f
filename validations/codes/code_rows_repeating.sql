-- Check:   Every token has at most k codes, each of another feature
-- Why:     A feature that appears twice on a token is counted twice in every table.
-- Guards:  equation 1: TopK
-- Grain:   token_row
-- Reads:   code_rows, cell_settings
select
    code_rows.token_row,
    code_rows.n_used,
    code_rows.n_repeated
from code_rows
cross join cell_settings
where code_rows.n_used > cell_settings.k or code_rows.n_repeated > 0
