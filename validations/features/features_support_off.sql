-- Check:   Support follows from the settings
-- Why:     Support decides which features are in the population `supported`.
-- Guards:  supported: min_firings, min_documents
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
