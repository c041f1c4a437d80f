-- Title:   Features whose firings are not counted right, or lack their maximum
-- Grain:   size, step, layer, feature
-- Reads:   cells_disagreeing, features, firings
with looked_at as (
    select
        size,
        step,
        layer
    from cells_disagreeing
    where about = 'firings'
),

told as (
    select
        size,
        step,
        layer,
        feature,
        n_firings,
        max_value
    from features
    semi join looked_at using (size, step, layer)
),

counted as (
    select
        size,
        step,
        layer,
        feature,
        count(*) as n_firings,
        max(value) as max_value
    from firings
    semi join looked_at using (size, step, layer)
    group by size, step, layer, feature
)

select
    size,
    step,
    layer,
    feature,
    told.n_firings,
    counted.n_firings as n_firings_counted,
    told.max_value,
    counted.max_value as max_value_fired
from told
full join counted using (size, step, layer, feature)
where
    told.n_firings is distinct from counted.n_firings
    or told.max_value is distinct from counted.max_value
