-- Title:   Features whose tokens and semantic clusters are not those of `clusters`
-- Grain:   size, step, layer, feature
-- Reads:   features, clusters
with counted as (
    select
        size,
        step,
        layer,
        feature,
        count(*) as n_tokens,
        count(distinct cluster) as n_clusters
    from clusters
    group by size, step, layer, feature
)

select
    features.size,
    features.step,
    features.layer,
    features.feature,
    features.n_tokens,
    counted.n_tokens as n_tokens_counted,
    features.n_clusters,
    counted.n_clusters as n_clusters_counted
from features
left join counted using (size, step, layer, feature)
where
    features.n_tokens is distinct from counted.n_tokens
    or features.n_clusters is distinct from counted.n_clusters
