-- Title:   Codes that have another value when their token is encoded again
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
