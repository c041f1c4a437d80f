-- Check:   `n_active` is the number of a feature's codes
-- Why:     Otherwise the table was made from other codes than the store holds.
-- Guards:  n_active: activations counted
-- Grain:   feature
-- Reads:   features, code_features
select
    features.feature,
    features.n_active,
    code_features.n_active as n_active_in_codes
from features
inner join code_features on features.feature = code_features.feature
where features.n_active is distinct from code_features.n_active
