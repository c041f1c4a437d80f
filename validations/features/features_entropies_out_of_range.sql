-- Check:   0 <= semantic entropy <= token entropy <= ln(tokens)
-- Why:     Joining tokens into clusters cannot add information.
-- Guards:  equations 4 and 5
-- Grain:   size, step, layer, feature
-- Reads:   features_looked_at
-- Paper:   equations 4 and 5
select
    size,
    step,
    layer,
    feature,
    n_tokens,
    token_entropy,
    semantic_entropy
from features_looked_at
where entropies_in_range is not true
