-- Check:   Every cell has all its measurements
-- Why:     A missing or infinite measurement silently drops out of the figures.
-- Guards:  a finished cell has its metrics
-- Grain:   size, step, layer
-- Reads:   cells
select
    size,
    step,
    layer,
    tokens_seen,
    n_eval_tokens,
    mse,
    variance,
    fvu,
    cosine,
    l0,
    n_dead,
    lm_fingerprint
from cells
where
    (
        isfinite(mse)
        and isfinite(variance)
        and isfinite(fvu)
        and isfinite(cosine)
        and isfinite(l0)
        and n_eval_tokens > 0
        and n_dead is not null
        and tokens_seen is not null
        and lm_fingerprint is not null
    ) is not true
