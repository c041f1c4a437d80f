-- Check:   Tokens seen increase with the step
-- Why:     The trends are drawn over tokens seen.
-- Guards:  tokens seen: tokens_per_step per model, or given per step
-- Grain:   size, step, layer, earlier_step
-- Reads:   cells
with seen as (
    select distinct
        size,
        step,
        tokens_seen
    from cells
)

select
    cells.size,
    cells.step,
    cells.layer,
    cells.tokens_seen,
    earlier.step as earlier_step,
    earlier.tokens_seen as earlier_tokens_seen
from cells
inner join seen as earlier
    on
        cells.size = earlier.size
        and cells.step > earlier.step
        and cells.tokens_seen <= earlier.tokens_seen
