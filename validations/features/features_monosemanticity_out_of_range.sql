-- Check:   Monosemanticity lies between 0 and 1
-- Why:     It is the share of token entropy that clusters explain.
-- Guards:  equation 6
-- Grain:   size, step, layer, feature
-- Reads:   features_looked_at
-- Paper:   equation 6
select
    size,
    step,
    layer,
    feature,
    monosemanticity
from features_looked_at
where monosemanticity_in_range is not true
