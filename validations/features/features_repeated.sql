-- Check:   Every feature has one row in its cell
-- Why:     A feature with two rows weighs twice in every trend.
-- Guards:  grain of features: one alive feature
-- Grain:   size, step, layer, feature
-- Reads:   features, cells_disagreeing
-- A feature with two rows has more firings than the sum over its languages.
with looked_at as (
    select
        size,
        step,
        layer
    from cells_disagreeing
    where about = 'sums'
)

select
    features.size,
    features.step,
    features.layer,
    features.feature,
    count(*) as n_rows
from features
semi join looked_at using (size, step, layer)
group by features.size, features.step, features.layer, features.feature
having count(*) > 1
