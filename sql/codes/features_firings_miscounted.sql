-- Title:   Features that do not fire as often as they have firings
-- Grain:   feature
-- Reads:   features, firing_sums
select
    coalesce(features.feature, firing_sums.feature) as feature,
    features.n_firings,
    coalesce(firing_sums.n_firings, 0) as n_firings_counted
from features
full join firing_sums on features.feature = firing_sums.feature
where features.n_firings is distinct from firing_sums.n_firings
