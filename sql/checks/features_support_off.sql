-- Title:   Features whose support does not follow from the settings
-- Grain:   size, step, layer, feature
-- Reads:   features, settings
select
    features.size,
    features.step,
    features.layer,
    features.feature,
    features.n_firings,
    features.n_documents,
    features.supported
from features
cross join settings
where
    features.supported is distinct from (
        features.n_firings >= settings.min_firings
        and features.n_documents >= settings.min_documents
    )
