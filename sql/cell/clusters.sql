-- Title:   Which of a feature's tokens mean something alike?
-- Grain:   feature, token_id
-- Reads:   clustered_tokens
select
    feature,
    token_id,
    cluster,
    n_firings
from clustered_tokens
where clustering = 0
