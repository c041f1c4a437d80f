-- Check:   Encoding a sample again gives the same features
-- Why:     Codes that the model and the weights do not reproduce belong to others.
-- Guards:  equation 1, on a sample of tokens; except where rank k is a tie within 1e-3
-- Grain:   token_row, feature
-- Reads:   reencoded
-- Where the values of ranks k and k + 1 are nearly equal, rounding decides.
select
    token_row,
    feature,
    value,
    value_again,
    gap
from reencoded
where (value is null or value_again is null) and gap >= 1e-3 and n_units > 2
