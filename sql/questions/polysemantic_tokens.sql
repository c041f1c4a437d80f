-- Title:   Which tokens make features polysemantic?
-- Grain:   size, step, layer, token_id
-- Reads:   clusters, firings, random_texts, tokens, vocab
-- Paper:   equation 5, split by token
-- Without controls on random tokens, whose firings are on another text than `tokens`.
-- A feature's semantic entropy is a sum over its tokens: the token's share of firings times
-- -ln of its cluster's share. Here it is summed over features, with its share of the cell's
-- total. Apart: outside the feature's largest cluster (of equal ones, the first). Select one
-- cell: all its firings are read.
with counts as (
    select
        firings.size,
        firings.step,
        firings.layer,
        firings.feature,
        tokens.token_id,
        count(*) as n
    from firings
    anti join random_texts using (size)
    inner join tokens on firings.token_row = tokens.token_row
    group by firings.size, firings.step, firings.layer, firings.feature, tokens.token_id
),

clustered as (
    select
        counts.*,
        clusters.cluster,
        sum(counts.n) over whole as n_feature,
        sum(counts.n) over part as n_cluster
    from counts
    inner join clusters using (size, step, layer, feature, token_id)
    window
        whole as (partition by size, step, layer, feature),
        part as (partition by size, step, layer, feature, cluster)
),

split as (
    select
        *,
        n / n_feature * ln(n_feature / n_cluster) as entropy,
        cluster <> first_value(cluster) over (
            partition by size, step, layer, feature
            order by n_cluster desc, cluster asc
        ) as apart
    from clustered
)

select
    split.size,
    split.step,
    split.layer,
    split.token_id,
    any_value(vocab.token) as token,
    any_value(vocab.language) as language,
    count(*) as n_features,
    count(*) filter (where split.apart) as n_features_apart,
    sum(split.n)::bigint as n_firings,
    coalesce(sum(split.n) filter (where split.apart), 0)::bigint as n_firings_apart,
    sum(split.entropy::decimal(38, 15))::double as semantic_entropy,
    sum(split.entropy::decimal(38, 15))::double
    / nullif(sum(sum(split.entropy::decimal(38, 15))) over (
        partition by split.size, split.step, split.layer
    )::double, 0) as semantic_entropy_share
from split
left join vocab on split.token_id = vocab.token_id
group by split.size, split.step, split.layer, split.token_id
