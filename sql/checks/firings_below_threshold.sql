-- Title:   Firings that are not above the threshold of their feature
-- Grain:   size, step, layer, feature, token_row
-- Reads:   firings, features, settings
select
    firings.size,
    firings.step,
    firings.layer,
    firings.feature,
    firings.token_row,
    firings.value,
    features.max_value
from firings
inner join features using (size, step, layer, feature)
cross join settings
where
    (
        firings.value::double
        > settings.firing_threshold * features.max_value::double
    ) is not true
