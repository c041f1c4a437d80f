-- Check:   Every decoder direction has unit norm
-- Why:     Activations of features are comparable only if their directions are equally long.
-- Guards:  equation 2: rows of W_dec are of unit norm
-- Grain:   feature
-- Reads:   sae_rows
-- A float32 norm of d squares is off by at most d * 2^-24 / 2 in all: 1e-4 is beyond
-- that up to d = 3,300. What rounds to nearest is off by 1e-7.
select
    feature,
    norm
from sae_rows
where (abs(norm - 1) <= 1e-4) is not true
