-- Title:   On which tokens of the vocabulary does each feature fire, how often?
-- Grain:   feature, token_id
-- Reads:   firings, tokens
-- Paper:   section 3.2: n_firings over their sum is f(v given i)
select
    firings.feature,
    tokens.token_id,
    count(*) as n_firings
from firings
inner join tokens on firings.token_row = tokens.token_row
group by firings.feature, tokens.token_id
