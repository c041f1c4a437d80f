-- Check:   No feature fires more often than it is activated
-- Why:     Every firing is an activation.
-- Guards:  firing: value > threshold * max
-- Grain:   size, step, layer, feature
-- Reads:   features_looked_at
select
    size,
    step,
    layer,
    feature,
    n_active,
    n_firings
from features_looked_at
where firings_are_active is not true
