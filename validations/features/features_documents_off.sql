-- Check:   Every feature fires in at least one document, and in no more than it has firings
-- Why:     Each of these documents holds a firing.
-- Guards:  supported: firings in documents
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
