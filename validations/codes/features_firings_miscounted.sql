-- Check:   `n_firings` is the number of a feature's firings
-- Why:     Support, shares and means over features depend on this count.
-- Guards:  n_firings: firings counted
-- Grain:   feature
-- Reads:   features, firing_sums
select
    coalesce(features.feature, firing_sums.feature) as feature,
    features.n_firings,
    coalesce(firing_sums.n_firings, 0) as n_firings_counted
from features
full join firing_sums on features.feature = firing_sums.feature
where features.n_firings is distinct from firing_sums.n_firings
