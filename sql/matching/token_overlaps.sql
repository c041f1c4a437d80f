-- Title:   How much does each feature overlap with a detector of one token?
-- Grain:   is_to, feature
-- Reads:   tokens, side_features, clusters_from, clusters_to
-- The largest Jaccard index with the occurrences of a token: features on a single frequent
-- token are found again in any model.
with occurrences as (
    select
        token_id,
        count(*) as n_occurrences
    from tokens
    group by token_id
),

fired as (
    select
        false as is_to,
        feature,
        token_id,
        n_firings
    from clusters_from
    union all
    select
        true as is_to,
        feature,
        token_id,
        n_firings
    from clusters_to
)

select
    side_features.is_to,
    side_features.feature,
    max(
        fired.n_firings
        / (side_features.n_firings + occurrences.n_occurrences - fired.n_firings)
    ) as token_jaccard
from fired
inner join side_features
    on
        fired.is_to = side_features.is_to
        and fired.feature = side_features.feature
inner join occurrences on fired.token_id = occurrences.token_id
group by side_features.is_to, side_features.feature
