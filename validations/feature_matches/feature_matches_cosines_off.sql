-- Check:   Cosines of directions lie between -1 and 1, and are known within a size
-- Why:     Directions are compared to tell a feature that stayed from one that returned.
-- Guards:  cosine, start_cosine, start_cosine_to: of unit vectors
-- Grain:   size, step, layer, seed_to, size_to, step_to, layer_to, feature, feature_to
-- Reads:   feature_matches
select
    size,
    step,
    layer,
    seed_to,
    size_to,
    step_to,
    layer_to,
    feature,
    feature_to,
    cosine,
    start_cosine,
    start_cosine_to
from feature_matches
where
    (cosine is null) <> (size <> size_to)
    or (
        abs(coalesce(cosine, 0)) < 1.001
        and abs(start_cosine) < 1.001
        and abs(start_cosine_to) < 1.001
    ) is not true
