-- Check:   Overlaps of features are shares
-- Why:     Events of features are decided by them.
-- Guards:  jaccard, held, holds, parts_share, token_jaccard, density
-- Grain:   size, step, layer, seed_to, size_to, step_to, layer_to, is_permuted, is_to, feature
-- Reads:   matched_features
select
    size,
    step,
    layer,
    seed_to,
    size_to,
    step_to,
    layer_to,
    is_permuted,
    is_to,
    feature,
    jaccard,
    held,
    holds,
    parts_share,
    token_jaccard,
    density
from matched_features
where
    (
        jaccard between 0 and 1
        and held between 0 and 1
        and holds between 0 and 1
        and coalesce(parts_share, 0) between 0 and 1
        and token_jaccard between 0 and 1
        and density between 0 and 1
    ) is not true
    or (parts_share is null) <> (n_parts < 2)
