-- Title:   Which features are aggregated together?
-- Grain:   feature
-- Kept:    as a table, since several views read it
-- Reads:   maxima
-- Neighbours with about 24M activations in all, so that what is computed of those that
-- are firings fits in memory: at worst all of them, usually a fifth.
select
    feature,
    (sum(n_active) over (order by feature) // 24000000)::int as feature_group
from maxima
