-- Title:   What does each feature fire on in the first 50 documents where it does?
-- Grain:   feature, token_row
-- Reads:   firing_tokens, settings
with placed as (
    select
        *,
        dense_rank() over (
            partition by feature
            order by token_row // (select context - 1 from settings)
        ) as place
    from firing_tokens
)

select
    feature,
    token_row,
    value,
    starts_run,
    token_id,
    language
from placed
where place <= 50
