-- Check:   What was measured on the validation text is possible
-- Why:     A share outside 0 to 1, or an error that is not finite, is a fault of measuring.
-- Guards:  convergence: alive features, mixed share and FVU of the validation text
-- Grain:   size, step, layer, measured_at
-- Reads:   convergence, cells
select
    convergence.size,
    convergence.step,
    convergence.layer,
    convergence.measured_at,
    convergence.n_tokens,
    convergence.n_alive,
    convergence.mixed_share,
    convergence.fvu,
    cells.n_features
from convergence
inner join cells
    on
        convergence.size = cells.size
        and convergence.step = cells.step
        and convergence.layer = cells.layer
where
    (
        convergence.n_tokens > 0
        and convergence.n_alive between 0 and cells.n_features
        and if(
            convergence.n_alive = 0,
            convergence.mixed_share is null,
            convergence.mixed_share between 0 and 1
        )
        and isfinite(convergence.fvu)
        and convergence.fvu >= 0
    ) is not true
