-- Check:   Shares of a feature's firings lie between 0 and 1
-- Why:     They are shares of the feature's firings or runs.
-- Guards:  p_shared, p_top_position, largest_cluster_share, truncated_share
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
