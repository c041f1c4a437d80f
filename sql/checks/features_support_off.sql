-- Title:   Features whose support does not follow from the settings
-- Grain:   size, step, layer, feature
-- Reads:   features_looked_at
select
    size,
    step,
    layer,
    feature,
    n_firings,
    n_documents,
    supported
from features_looked_at
where support_follows is not true
