-- Check:   Every decoder direction has unit norm
-- Why:     Activations of features are comparable only if their directions have equal norms.
-- Guards:  equation 2: rows of W_dec are of unit norm
-- Grain:   feature
-- Reads:   sae_rows
-- The error of a float32 norm of d squares is at most d * 2^-24 / 2, below 1e-4 up to
-- d = 3,300; with rounding to nearest it is about 1e-7.
select
    feature,
    norm
from sae_rows
where (abs(norm - 1) <= 1e-4) is not true
