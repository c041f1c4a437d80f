-- Check:   FVU times the variance is the squared error
-- Why:     Both come from the same sums; if they differ, one was computed over other tokens.
-- Guards:  FVU: squared error / squared distance to the mean
-- Grain:   size, step, layer
-- Reads:   cells
select
    size,
    step,
    layer,
    fvu,
    variance,
    mse,
    fvu * variance as mse_from_fvu
from cells
where abs(fvu * variance - mse) > 1e-3 * mse
