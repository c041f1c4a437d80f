-- Check:   Every feature has at least one cluster, and at most one per token
-- Why:     Every cluster holds at least one token.
-- Guards:  semantic clusters
-- Grain:   size, step, layer, feature
-- Reads:   features_looked_at
select
    size,
    step,
    layer,
    feature,
    n_tokens,
    n_clusters
from features_looked_at
where clusters_have_tokens is not true
