-- Title:   Features with a share that is not one of a whole
-- Grain:   size, step, layer, feature
-- Reads:   features_looked_at
select
    size,
    step,
    layer,
    feature,
    largest_cluster_share,
    p_shared,
    p_top_position,
    truncated_share
from features_looked_at
where shares_in_range is not true
