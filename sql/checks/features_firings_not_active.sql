-- Title:   Features that fire more often than they are activated
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
