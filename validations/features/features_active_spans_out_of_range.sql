-- Check:   Spans of activations lie between one token and a window
-- Why:     A run holds at least one token and ends with its window.
-- Guards:  span length
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
