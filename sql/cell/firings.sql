-- Title:   On which tokens does each feature fire?
-- Grain:   feature, token_row
-- Reads:   firing_tokens
-- Paper:   section 3.2
select
    feature,
    token_row,
    value
from firing_tokens
