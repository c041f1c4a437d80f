-- Check:   Every overlap is between 0 and 1
-- Why:     It is a share of the features that fire in either text.
-- Guards:  pair_overlap: the Jaccard index
-- Grain:   size, step, layer, language_a, language_b, pair
-- Reads:   pair_overlaps
select
    size,
    step,
    layer,
    language_a,
    language_b,
    pair,
    overlap,
    overlap_others_a,
    overlap_others_b
from pair_overlaps
where
    (overlap between 0 and 1) is not true
    or not coalesce(overlap_others_a between 0 and 1, true)
    or not coalesce(overlap_others_b between 0 and 1, true)
