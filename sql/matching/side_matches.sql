-- Title:   How does each feature of two cells overlap with the other cell, in all?
-- Grain:   is_permuted, is_to, feature; with a common firing
-- Kept:    as a table, because several views read it
-- Reads:   all_maxima, all_shares, side_features
with maxima as (
    select
        is_permuted,
        is_to,
        feature,
        max(best) as best,
        max(held) as held,
        max(holds) as holds,
        sum(n_parts)::integer as n_parts
    from all_maxima
    group by is_permuted, is_to, feature
)

select
    maxima.is_permuted,
    maxima.is_to,
    maxima.feature,
    -maxima.best[2] as best,
    maxima.best[1] as jaccard,
    maxima.held,
    maxima.holds,
    maxima.n_parts,
    all_shares.n_held / side_features.n_firings as parts_share
from maxima
inner join side_features
    on maxima.is_to = side_features.is_to and maxima.feature = side_features.feature
left join all_shares
    on
        maxima.is_permuted = all_shares.is_permuted
        and maxima.is_to = all_shares.is_to
        and maxima.feature = all_shares.feature
