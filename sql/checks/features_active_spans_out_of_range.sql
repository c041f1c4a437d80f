-- Title:   Features whose spans of activations are not between one token and a window
-- Grain:   size, step, layer, feature
-- Reads:   features_looked_at
select
    size,
    step,
    layer,
    feature,
    mean_span_active
from features_looked_at
where active_span_in_range is not true
