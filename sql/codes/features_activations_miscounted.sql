-- Title:   Features that are not activated as often as their codes say
-- Grain:   feature
-- Reads:   features, code_features
select
    features.feature,
    features.n_active,
    code_features.n_active as n_active_in_codes
from features
inner join code_features on features.feature = code_features.feature
where features.n_active is distinct from code_features.n_active
