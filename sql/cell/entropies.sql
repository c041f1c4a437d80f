-- Title:   Do the tokens that fire a feature share a meaning?
-- Grain:   feature
-- Reads:   feature_tokens, clusters
-- Paper:   equations 4 (token entropy), 5 (semantic entropy), 6 (monosemanticity)
-- Entropy of counts c with sum N, in nats: ln N - sum(c ln c) / N. Sums are of decimals,
-- so exact: they do not hang on the order of the rows.
with token_sums as (
    select
        feature,
        sum(n_firings)::double as n,
        count(*) as n_tokens,
        sum((n_firings * ln(n_firings))::decimal(38, 15))::double as n_ln_n
    from feature_tokens
    group by feature
),

cluster_counts as (
    select
        feature_tokens.feature,
        clusters.cluster,
        sum(feature_tokens.n_firings)::bigint as n_firings
    from feature_tokens
    inner join clusters
        on
            feature_tokens.feature = clusters.feature
            and feature_tokens.token_id = clusters.token_id
    group by feature_tokens.feature, clusters.cluster
),

cluster_sums as (
    select
        feature,
        count(*) as n_clusters,
        max(n_firings) as largest,
        sum((n_firings * ln(n_firings))::decimal(38, 15))::double as n_ln_n
    from cluster_counts
    group by feature
),

entropies as (
    select
        token_sums.feature,
        token_sums.n_tokens,
        cluster_sums.n_clusters,
        cluster_sums.largest / token_sums.n as largest_cluster_share,
        if(n_tokens = 1, 0, ln(n) - token_sums.n_ln_n / n) as token_entropy,
        if(n_clusters = 1, 0, ln(n) - cluster_sums.n_ln_n / n) as semantic_entropy
    from token_sums
    inner join cluster_sums on token_sums.feature = cluster_sums.feature
)

select
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
