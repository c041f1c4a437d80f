-- Title:   Features that one code of a token has and the other has not
-- Grain:   token_row, feature
-- Reads:   reencoded
-- Where the value of rank k is nearly that of rank k + 1, rounding decides.
select
    token_row,
    feature,
    value,
    value_again,
    gap
from reencoded
where (value is null or value_again is null) and gap >= 1e-3 and n_units > 2
