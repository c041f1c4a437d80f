-- Check:   No two steps of a size have the same weights
-- Why:     Public checkpoint series have shipped one checkpoint under many steps.
-- Guards:  every step is a checkpoint of its own
-- Grain:   size, step, layer, earlier_step
-- Reads:   cells
with models as (
    select distinct
        size,
        step,
        lm_fingerprint
    from cells
)

select
    cells.size,
    cells.step,
    cells.layer,
    earlier.step as earlier_step,
    cells.lm_fingerprint
from cells
inner join models as earlier
    on
        cells.size = earlier.size
        and cells.lm_fingerprint = earlier.lm_fingerprint
where earlier.step < cells.step
