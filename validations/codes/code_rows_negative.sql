-- Check:   No code is negative
-- Why:     Activations are rectified: a negative one was not made by this autoencoder.
-- Guards:  equation 1: ReLU
-- Grain:   token_row
-- Reads:   code_rows
select
    token_row,
    n_negative
from code_rows
where n_negative > 0
