-- Check:   Monosemanticity follows from the entropies, and is 1 for a single token
-- Why:     It is 1 - semantic / token entropy.
-- Guards:  equation 6
-- Grain:   size, step, layer, feature
-- Reads:   features_looked_at
-- Paper:   equation 6; one token alone is one meaning
select
    size,
    step,
    layer,
    feature,
    n_tokens,
    token_entropy,
    semantic_entropy,
    monosemanticity
from features_looked_at
where monosemanticity_follows is not true
