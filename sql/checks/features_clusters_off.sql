-- Title:   Features that have no cluster, or more than tokens
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
