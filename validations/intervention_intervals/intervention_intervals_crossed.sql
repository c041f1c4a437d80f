-- Check:   No interval ends before it begins
-- Why:     Its bounds are the estimate less and plus half its width.
-- Guards:  interval of Student's t over documents and draws
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
    difference_low > difference_high
    or difference_none_low > difference_none_high
    or (difference_low is null) <> (difference_high is null)
    or (difference_none_low is null) <> (difference_none_high is null)
