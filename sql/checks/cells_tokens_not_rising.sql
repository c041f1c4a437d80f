-- Title:   Cells that have seen no more tokens than an earlier step of their size
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
