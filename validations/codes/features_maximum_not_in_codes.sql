-- Check:   `max_value` is the largest of a feature's codes
-- Why:     It decides what fires.
-- Guards:  firing: value > threshold x the feature's maximum
-- Grain:   feature
-- Reads:   features, code_features
select
    features.feature,
    features.max_value,
    code_features.max_value as max_value_in_codes
from features
inner join code_features on features.feature = code_features.feature
where
    features.max_value::double is distinct from code_features.max_value::double
