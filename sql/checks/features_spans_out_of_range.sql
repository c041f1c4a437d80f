-- Title:   Features whose spans of firings are not between one token and a window
-- Grain:   size, step, layer, feature
-- Reads:   features_looked_at
select
    size,
    step,
    layer,
    feature,
    mean_span
from features_looked_at
where span_in_range is not true
