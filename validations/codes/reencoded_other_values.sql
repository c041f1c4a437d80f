-- Check:   Encoding a sample again gives the same values
-- Why:     Two units in the last place of float16 are rounding, more is not.
-- Guards:  equation 1, on a sample of tokens
-- Grain:   token_row, feature
-- Reads:   reencoded
select
    token_row,
    feature,
    value,
    value_again,
    n_units
from reencoded
where
    value is not null
    and value_again is not null
    and (n_units <= 2) is not true
