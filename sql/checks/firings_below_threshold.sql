-- Title:   Firings that are not above the threshold of their feature
-- Grain:   size, step, layer, feature, token_row
-- Reads:   firings, firings_counted, settings
-- Of the largest of its firings: that this is the feature's is a promise of its own.
with looked_at as (
    select
        size,
        step,
        layer
    from firings_counted
    where n_below > 0
    order by all
    limit 3
),

largest as (
    select
        size,
        step,
        layer,
        feature,
        max(value) as max_value
    from firings
    semi join looked_at using (size, step, layer)
    group by size, step, layer, feature
)

select
    firings.size,
    firings.step,
    firings.layer,
    firings.feature,
    firings.token_row,
    firings.value,
    largest.max_value
from firings
inner join largest using (size, step, layer, feature)
cross join settings
where
    (firings.value::double > settings.firing_threshold * largest.max_value::double)
    is not true
