-- Title:   Features whose monosemanticity does not follow from their entropies
-- Grain:   size, step, layer, feature
-- Reads:   features
-- Paper:   equation 6; one token alone is one meaning
with expected as (
    select
        size,
        step,
        layer,
        feature,
        n_tokens,
        token_entropy,
        semantic_entropy,
        monosemanticity,
        if(n_tokens = 1, 1, 1 - semantic_entropy / token_entropy) as from_entropies
    from features
)

select
    size,
    step,
    layer,
    feature,
    n_tokens,
    token_entropy,
    semantic_entropy,
    monosemanticity,
    from_entropies
from expected
where (abs(monosemanticity - from_entropies) <= 1e-9) is not true
