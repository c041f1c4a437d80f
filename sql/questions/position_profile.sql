-- Title:   At which positions of the window does each feature fire?
-- Grain:   size, step, layer, feature, position
-- Reads:   firings, settings
-- Positions are counted from 0, without BOS. Select one feature: all its firings are read.
with placed as (
    select
        *,
        token_row % (select context - 1 from settings) as position
    from firings
)

select
    size,
    step,
    layer,
    feature,
    position,
    count(*) as n_firings
from placed
group by size, step, layer, feature, position
