-- Check:   Every setting has one interval
-- Why:     A change without an interval cannot be judged.
-- Guards:  grain of intervention_intervals
-- Grain:   size, step, layer, full_step, control, added, alpha, m, scale_back, b_pre,
--          language
-- Reads:   intervention_intervals, interventions
with listed as (
    select distinct
        size,
        step,
        layer,
        full_step,
        control,
        added,
        alpha,
        m,
        scale_back,
        b_pre,
        language,
        1 as n_wanted,
        0 as n_rows
    from interventions
    union all
    select
        size,
        step,
        layer,
        full_step,
        control,
        added,
        alpha,
        m,
        scale_back,
        b_pre,
        language,
        0 as n_wanted,
        1 as n_rows
    from intervention_intervals
)

select
    size,
    step,
    layer,
    full_step,
    control,
    added,
    alpha,
    m,
    scale_back,
    b_pre,
    language,
    sum(n_wanted) as n_wanted,
    sum(n_rows) as n_rows
from listed
group by all
having sum(n_wanted) <> sum(n_rows)
