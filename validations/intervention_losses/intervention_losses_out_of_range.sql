-- Check:   Every loss is finite, not negative, and of at least one token
-- Why:     It is minus the logarithm of a probability, summed over tokens.
-- Guards:  equation 7: nll
-- Grain:   size, step, layer, full_step, control, added, alpha, m, draw, scale_back, b_pre,
--          document
-- Reads:   intervention_losses
select
    size,
    step,
    layer,
    full_step,
    control,
    added,
    alpha,
    m,
    draw,
    scale_back,
    b_pre,
    document,
    n_tokens,
    nll
from intervention_losses
where (n_tokens >= 1 and nll >= 0 and isfinite(nll)) is not true
