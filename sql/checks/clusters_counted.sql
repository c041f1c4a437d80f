-- Title:   What do a cell's tokens and clusters of features add up to?
-- Grain:   size, step, layer
-- Reads:   clusters
-- Weighted by the feature, as in `features_counted`. A cluster is named by its lowest token.
with weighted as (
    select
        *,
        (1 + hash(feature + 1) % 2147483648)::bigint as weight
    from clusters
)

select
    size,
    step,
    layer,
    sum(weight) as tokens,
    sum(weight) filter (where cluster = token_id) as clusters,
    count(*) filter (where (cluster <= token_id) is not true) as n_off
from weighted
group by size, step, layer
