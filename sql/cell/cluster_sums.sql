-- Title:   Sums over each feature's semantic clusters of two or more tokens
-- Grain:   clustering, feature; features with such clusters
-- Reads:   feature_tokens, clusterings, linked_tokens
-- n_ln_n: the clusters' sum minus that of their tokens.
with clusters as (
    select
        clusterings.clustering,
        feature_tokens.feature,
        linked_tokens.cluster,
        count(*) as n_tokens,
        sum(feature_tokens.n_firings)::bigint as n,
        sum((feature_tokens.n_firings * ln(feature_tokens.n_firings))::decimal(38, 15))
            as token_n_ln_n
    from feature_tokens
    inner join clusterings on feature_tokens.rule = clusterings.rule
    inner join linked_tokens
        on
            clusterings.clustering = linked_tokens.clustering
            and feature_tokens.feature = linked_tokens.feature
            and feature_tokens.token_id = linked_tokens.token_id
    group by clusterings.clustering, feature_tokens.feature, linked_tokens.cluster
)

select
    clustering,
    feature,
    sum(n_tokens)::bigint as n_tokens,
    count(*) as n_clusters,
    max(n) as largest,
    sum((n * ln(n))::decimal(38, 15)) - sum(token_n_ln_n) as n_ln_n
from clusters
group by clustering, feature
