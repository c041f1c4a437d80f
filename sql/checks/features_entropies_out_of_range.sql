-- Title:   Features whose entropies are not in 0 <= semantic <= token <= ln(tokens)
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
