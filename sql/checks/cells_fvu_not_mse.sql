-- Title:   Cells whose FVU is not the mse as a share of the variance
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
