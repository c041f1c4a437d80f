-- Title:   How does each feature of two cells overlap with the features of the other cell?
-- Grain:   is_permuted, is_to, feature; supported features
-- Kept:    as a table, because several views read it
-- Reads:   side_features, side_matches, all_parts, token_overlaps, start_cosines
-- The columns are those of matched_features.
with divided as (
    select
        all_parts.is_permuted,
        not all_parts.is_to as is_to,
        all_parts.part as feature
    from all_parts
    inner join side_matches
        on
            all_parts.is_permuted = side_matches.is_permuted
            and all_parts.is_to = side_matches.is_to
            and all_parts.feature = side_matches.feature
    where
        is_divided(side_matches.n_parts, side_matches.parts_share, side_matches.held)
    group by all_parts.is_permuted, all_parts.is_to, all_parts.part
)

select
    permutations.is_permuted,
    side_features.is_to,
    side_features.feature,
    side_features.n_firings,
    side_features.density,
    side_features.language_sure,
    side_features.state,
    side_matches.best,
    best_features.n_firings as best_n_firings,
    best_features.language_sure as best_language_sure,
    best_features.state as best_state,
    coalesce(side_matches.jaccard, 0) as jaccard,
    coalesce(side_matches.held, 0) as held,
    coalesce(side_matches.holds, 0) as holds,
    coalesce(partners.best = side_features.feature, false) as is_mutual,
    coalesce(side_matches.n_parts, 0) as n_parts,
    side_matches.parts_share,
    divided.feature is not null as is_part,
    token_overlaps.token_jaccard,
    start_cosines.start_cosine
from side_features
cross join (values (false), (true)) as permutations (is_permuted)
inner join token_overlaps
    on
        side_features.is_to = token_overlaps.is_to
        and side_features.feature = token_overlaps.feature
inner join start_cosines
    on
        side_features.is_to = start_cosines.is_to
        and side_features.feature = start_cosines.feature
left join side_matches
    on
        permutations.is_permuted = side_matches.is_permuted
        and side_features.is_to = side_matches.is_to
        and side_features.feature = side_matches.feature
left join side_features as best_features
    on
        side_features.is_to <> best_features.is_to
        and side_matches.best = best_features.feature
left join side_matches as partners
    on
        permutations.is_permuted = partners.is_permuted
        and side_features.is_to <> partners.is_to
        and side_matches.best = partners.feature
left join divided
    on
        permutations.is_permuted = divided.is_permuted
        and side_features.is_to = divided.is_to
        and side_features.feature = divided.feature
