-- Check:   Every token of the text has one row, at its position
-- Why:     Firings and runs are matched to tokens by row.
-- Guards:  row: document * (context - 1) + position
-- Grain:   token_row
-- Reads:   settings, tokens
with placed as (
    select
        tokens.token_row,
        count(*) as n_rows,
        min(tokens.document) as document,
        min(tokens.position) as position,
        any_value(settings.context) as context
    from tokens
    cross join settings
    group by tokens.token_row
)

select
    token_row,
    n_rows,
    document,
    position
from placed
where
    n_rows > 1
    or (
        position between 0 and context - 2
        and token_row = document::bigint * (context - 1) + position
    ) is not true
