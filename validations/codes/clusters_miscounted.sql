-- Check:   `features` counts the tokens and clusters that `clusters` lists
-- Why:     The entropies are computed over these tokens and clusters.
-- Guards:  semantic clusters
-- Grain:   feature
-- Reads:   features, clusters
-- A cluster is named by its lowest token, so that one of its rows names itself.
with counted as (
    select
        feature,
        count(*) as n_tokens,
        count_if(cluster = token_id) as n_clusters
    from clusters
    group by feature
)

select
    coalesce(features.feature, counted.feature) as feature,
    features.n_tokens,
    counted.n_tokens as n_tokens_counted,
    features.n_clusters,
    counted.n_clusters as n_clusters_counted
from features
full join counted on features.feature = counted.feature
where
    features.n_tokens is distinct from counted.n_tokens
    or features.n_clusters is distinct from counted.n_clusters
