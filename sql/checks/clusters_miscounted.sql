-- Title:   Features whose tokens and semantic clusters are not those of `clusters`
-- Grain:   size, step, layer, feature
-- Reads:   cells_disagreeing, features, clusters
with looked_at as (
    select
        size,
        step,
        layer
    from cells_disagreeing
    where about = 'clusters'
),

counted as (
    select
        size,
        step,
        layer,
        feature,
        count(*) as n_tokens,
        count(distinct cluster) as n_clusters
    from clusters
    semi join looked_at using (size, step, layer)
    group by size, step, layer, feature
),

told as (
    select
        size,
        step,
        layer,
        feature,
        n_tokens,
        n_clusters
    from features
    semi join looked_at using (size, step, layer)
)

select
    size,
    step,
    layer,
    feature,
    told.n_tokens,
    counted.n_tokens as n_tokens_counted,
    told.n_clusters,
    counted.n_clusters as n_clusters_counted
from told
full join counted using (size, step, layer, feature)
where
    told.n_tokens is distinct from counted.n_tokens
    or told.n_clusters is distinct from counted.n_clusters
