-- Title:   Tokens whose cluster is not named by its lowest token
-- Grain:   feature, token_id
-- Reads:   clusters
select
    feature,
    token_id,
    cluster
from clusters
where (cluster <= token_id) is not true
