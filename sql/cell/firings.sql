-- Title:   On which tokens does each feature fire?
-- Grain:   feature, token_row
-- Reads:   strong_codes
-- Paper:   section 3.2
select
    feature,
    token_row::bigint as token_row,
    value
from strong_codes
where rules & 1 > 0
