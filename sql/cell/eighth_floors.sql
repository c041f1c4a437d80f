-- Title:   Which value must an activation of each feature exceed in each eighth of the text, if
--          that is all there is?
-- Grain:   feature, eighth; eighths in which the feature is activated
-- Reads:   eighth_maxima, settings
-- Paper:   section 3.2: a share of the feature's maximum, here over the eighth's documents
select
    eighth_maxima.feature,
    eighth_maxima.eighth,
    any_value(settings.firing_threshold)::double * max(eighth_maxima.max_value)::double
        as floor
from eighth_maxima
cross join settings
group by eighth_maxima.feature, eighth_maxima.eighth
