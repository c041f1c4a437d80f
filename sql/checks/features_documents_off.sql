-- Title:   Features that fire in no document, or in more than they have firings
-- Grain:   size, step, layer, feature
-- Reads:   features_looked_at
select
    size,
    step,
    layer,
    feature,
    n_firings,
    n_documents
from features_looked_at
where documents_have_firings is not true
