-- Title:   Tokens whose cluster is not named by its lowest token
-- Grain:   size, step, layer, feature, token_id
-- Reads:   clusters, clusters_counted
with looked_at as (
    select
        size,
        step,
        layer
    from clusters_counted
    where n_off > 0
    order by all
    limit 3
)

select
    size,
    step,
    layer,
    feature,
    token_id,
    cluster
from clusters
semi join looked_at using (size, step, layer)
where (cluster <= token_id) is not true
