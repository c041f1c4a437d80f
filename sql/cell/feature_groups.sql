-- Title:   Which features are aggregated together?
-- Grain:   feature
-- Kept:    as a table, because several views read it
-- Reads:   maxima
-- Consecutive features with about 14M activations in total, so that the views over their
-- firings fit in memory: usually a fifth of the activations fire, at worst all.
select
    feature,
    (sum(n_active) over (order by feature) // 14000000)::int as feature_group
from maxima
