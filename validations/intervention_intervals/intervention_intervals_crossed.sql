-- Check:   No interval ends before it begins
-- Why:     Its bounds are two percentiles of the same replicates.
-- Guards:  paired bootstrap over documents
-- Grain:   size, step, layer, full_step, control, added, alpha, m, scale_back, b_pre,
--          language
-- Reads:   intervention_intervals
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
    difference_low,
    difference_high,
    difference_none_low,
    difference_none_high
from intervention_intervals
where
    (difference_low <= difference_high) is not true
    or difference_none_low > difference_none_high
