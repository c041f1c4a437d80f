-- Title:   Do the tokens that fire a feature share a meaning?
-- Grain:   clustering, feature
-- Reads:   clusterings, token_sums, cluster_sums
-- Paper:   equations 4 (token entropy), 5 (semantic entropy), 6 (monosemanticity)
-- Entropy of counts c with sum N, in nats: ln N - sum(c ln c) / N. A token without links is
-- a cluster of its own.
with sums as (
    select
        clusterings.clustering,
        token_sums.feature,
        token_sums.n_tokens,
        token_sums.n_tokens
        - coalesce(cluster_sums.n_tokens - cluster_sums.n_clusters, 0) as n_clusters,
        greatest(token_sums.largest, cluster_sums.largest) as largest,
        token_sums.n_firings::double as n,
        token_sums.n_ln_n::double as token_n_ln_n,
        (token_sums.n_ln_n + coalesce(cluster_sums.n_ln_n, 0))::double as cluster_n_ln_n
    from token_sums
    inner join clusterings on token_sums.rule = clusterings.rule
    left join cluster_sums
        on
            clusterings.clustering = cluster_sums.clustering
            and token_sums.feature = cluster_sums.feature
),

entropies as (
    select
        clustering,
        feature,
        n_tokens,
        n_clusters,
        largest / n as largest_cluster_share,
        if(n_tokens = 1, 0, ln(n) - token_n_ln_n / n) as token_entropy,
        if(n_clusters = 1, 0, ln(n) - cluster_n_ln_n / n) as semantic_entropy
    from sums
)

select
    clustering,
    feature,
    n_tokens,
    n_clusters,
    largest_cluster_share,
    token_entropy,
    least(semantic_entropy, token_entropy) as semantic_entropy,
    if(
        token_entropy = 0,
        1,
        1 - least(semantic_entropy, token_entropy) / token_entropy
    ) as monosemanticity
from entropies
