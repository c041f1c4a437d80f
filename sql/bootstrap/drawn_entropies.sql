-- Title:   Do the tokens that fire a feature share a meaning, in a resampled text?
-- Grain:   replicate, feature; features that fire in it
-- Reads:   drawn_counts, draws
-- Paper:   equations 4, 5 and 6, as in `entropies`
-- Sums are of decimals, so exact; eight digits leave room for half a billion firings.
with counts as (
    select
        drawn_counts.feature,
        draws.replicate,
        drawn_counts.token_id is null as is_cluster,
        (
            n_firings[replicate // 4 % 4 + 1] >> 31 * (replicate % 4) & 2147483647
        )::bigint as n
    from drawn_counts
    cross join draws
),

sums as (
    select
        replicate,
        feature,
        sum(n) filter (where not is_cluster)::double as n,
        count(*) filter (where not is_cluster) as n_tokens,
        count(*) filter (where is_cluster) as n_clusters,
        sum((n * ln(n))::decimal(18, 8)) filter (where not is_cluster)::double as over_tokens,
        sum((n * ln(n))::decimal(18, 8)) filter (where is_cluster)::double as over_clusters
    from counts
    where n > 0
    group by replicate, feature
),

entropies as (
    select
        replicate,
        feature,
        n_tokens,
        if(n_tokens = 1, 0, ln(n) - over_tokens / n) as token_entropy,
        if(n_clusters = 1, 0, ln(n) - over_clusters / n) as semantic
    from sums
)

select
    replicate,
    feature,
    n_tokens,
    token_entropy,
    least(semantic, token_entropy) as semantic_entropy,
    if(token_entropy = 0, 1, 1 - least(semantic, token_entropy) / token_entropy)
        as monosemanticity
from entropies
