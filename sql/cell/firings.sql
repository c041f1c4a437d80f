-- Title:   On which tokens does each feature fire?
-- Grain:   feature, token_row
-- Reads:   codes, maxima, settings
-- Paper:   section 3.2: an activation above a share of the feature's maximum
select
    codes.feature,
    codes.token_row,
    codes.value
from codes
inner join maxima on codes.feature = maxima.feature
where
    codes.value::double
    > (select firing_threshold from settings) * maxima.max_value::double
