-- Title:   Features whose maximum is not that of their codes
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
