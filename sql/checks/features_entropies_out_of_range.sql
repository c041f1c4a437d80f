-- Title:   Features whose entropies are not in 0 <= semantic <= token <= ln(tokens)
-- Grain:   size, step, layer, feature
-- Reads:   features
-- Paper:   equations 4 and 5
select
    size,
    step,
    layer,
    feature,
    n_tokens,
    token_entropy,
    semantic_entropy
from features
where
    (
        semantic_entropy >= 0
        and semantic_entropy <= token_entropy + 1e-9
        and token_entropy <= ln(n_tokens) + 1e-9
    ) is not true
