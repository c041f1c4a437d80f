-- Title:   Sums over each feature's firings
-- Grain:   feature
-- Reads:   firing_counts
select
    feature,
    sum(n_firings) as n_firings,
    sum(total) as total
from firing_counts
group by feature
