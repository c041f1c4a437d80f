-- Title:   Above which value does a feature fire?
-- Grain:   feature
-- Kept:    as a table, because several views read it
-- Reads:   code_features, settings
select
    code_features.feature,
    settings.firing_threshold * code_features.max_value::double as floor
from code_features
cross join settings
