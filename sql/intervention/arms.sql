-- Title:   Which settings were measured, the baseline and all draws of a setting included?
-- Grain:   arm
-- Kept:    as a table, because several views read it
-- Reads:   wanted
-- An arm is a setting but for its draw; added = 'baseline' is no steering. Its number is of
-- use within this folder alone.
with settings as (
    select distinct
        control,
        added,
        alpha,
        m,
        scale_back
    from wanted
)

select
    *,
    row_number() over (order by control, added, alpha, m, scale_back) as arm
from settings
