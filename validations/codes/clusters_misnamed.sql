-- Check:   Every cluster is named by its lowest token
-- Why:     The name identifies the rows of a cluster, and clusters are counted by it.
-- Guards:  semantic clusters
-- Grain:   feature, token_id
-- Reads:   clusters
select
    feature,
    token_id,
    cluster
from clusters
where (cluster <= token_id) is not true
