-- Title:   Do the tokens that fire a feature share a meaning?
-- Grain:   clustering, feature
-- Reads:   clustered_tokens
-- Paper:   equations 4 (token entropy), 5 (semantic entropy), 6 (monosemanticity)
-- Entropy of counts c with sum N, in nats: ln N - sum(c ln c) / N. Sums are of decimals,
-- so exact: they do not hang on the order of the rows.
with cluster_counts as (
    select
        clustering,
        feature,
        cluster,
        count(*) as n_tokens,
        sum(n_firings)::bigint as n_firings,
        sum((n_firings * ln(n_firings))::decimal(38, 15)) as n_ln_n
    from clustered_tokens
    group by clustering, feature, cluster
),

sums as (
    select
        clustering,
        feature,
        sum(n_tokens)::bigint as n_tokens,
        count(*) as n_clusters,
        max(n_firings) as largest,
        sum(n_firings)::double as n,
        sum(n_ln_n)::double as token_n_ln_n,
        sum((n_firings * ln(n_firings))::decimal(38, 15))::double as cluster_n_ln_n
    from cluster_counts
    group by clustering, feature
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
