-- Title:   What becomes of each feature of two cells in the other cell?
-- Grain:   is_permuted, is_to, feature; supported features
-- Reads:   side_overlaps, thresholds
-- is_to: the feature is of the second cell. is_permuted: the null, with documents permuted.
-- state: monolingual, mixed, or polysemantic: mixed, and its tokens no more alike than random.
-- best: the other cell's feature of the largest Jaccard index. held: the largest share of its
-- firings that one of them holds; holds: the largest share of another's firings that it holds;
-- n_parts: those of which it holds half. Dense features hold nothing. parts_share: the share
-- of its firings that two or more parts have together. is_part: it is a part of a divided
-- feature. token_jaccard: the largest index with all occurrences of one token. fate: the first
-- that applies of `unlearned` (its direction is that of the start), `divided`, `part`, `match`
-- (the best of its best, above the threshold), `held`, `holds`, `unclear` (above half of the
-- threshold) and `unmatched`.
with limited as (
    select
        side_overlaps.*,
        greatest(own.threshold, coalesce(others.threshold, 0)) as threshold
    from side_overlaps
    inner join thresholds as own
        on
            side_overlaps.is_to = own.is_to
            and floor(log2(side_overlaps.n_firings))::integer = own.support_bin
    left join thresholds as others
        on
            side_overlaps.is_to <> others.is_to
            and floor(log2(side_overlaps.best_n_firings))::integer = others.support_bin
)

select
    is_permuted,
    is_to,
    feature,
    n_firings,
    density,
    language_sure,
    state,
    best,
    best_language_sure,
    best_state,
    jaccard,
    threshold,
    held,
    holds,
    is_mutual,
    n_parts,
    parts_share,
    is_part,
    token_jaccard,
    start_cosine,
    case
        when abs(start_cosine) >= 0.9 then 'unlearned'
        when is_divided(n_parts, parts_share, held) then 'divided'
        when is_part then 'part'
        when is_mutual and jaccard >= threshold then 'match'
        when held >= 0.5 then 'held'
        when holds >= 0.5 then 'holds'
        when jaccard >= threshold / 2 then 'unclear'
        else 'unmatched'
    end as fate
from limited
