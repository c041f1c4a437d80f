-- Title:   On which tokens of the vocabulary does each feature fire, how often?
-- Grain:   feature, token_id
-- Reads:   firing_tokens
-- Paper:   section 3.2: n_firings over their sum is f(v given i)
select
    feature,
    token_id,
    count(*) as n_firings
from firing_tokens
group by feature, token_id
