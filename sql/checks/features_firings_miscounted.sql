-- Title:   Features whose firings are not counted right, or lack their maximum
-- Grain:   size, step, layer, feature
-- Reads:   features, firings
with counted as (
    select
        size,
        step,
        layer,
        feature,
        count(*) as n_firings,
        max(value) as max_value
    from firings
    group by size, step, layer, feature
)

select
    features.size,
    features.step,
    features.layer,
    features.feature,
    features.n_firings,
    counted.n_firings as n_firings_counted,
    features.max_value,
    counted.max_value as max_value_fired
from features
left join counted using (size, step, layer, feature)
where
    features.n_firings is distinct from counted.n_firings
    or features.max_value is distinct from counted.max_value
