-- Check:   Every contrast is within its interval, and z is beyond 1.96 if 0 is not
-- Why:     The verdict on the paper's claim is read from either.
-- Guards:  interval of Student's t, and the normal value as improbable as t
-- Grain:   size, step, layer, full_step, control, comparison, alpha, m, scale_back, b_pre,
--          language, measure
-- Reads:   intervention_contrasts
select
    size,
    step,
    layer,
    full_step,
    control,
    comparison,
    alpha,
    m,
    scale_back,
    b_pre,
    language,
    measure,
    estimate,
    low,
    high,
    z
from intervention_contrasts
where
    standard_deviation > 0
    and (
        low <= estimate
        and estimate <= high
        and sign(z) = sign(estimate)
        and (abs(z) > z_95()) = (low > 0 or high < 0)
    ) is not true
