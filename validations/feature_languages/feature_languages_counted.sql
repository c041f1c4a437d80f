-- Title:   Sums over a cell's shares of languages
-- Grain:   size, step, layer, language
-- Reads:   feature_languages, settings
-- Weighted by the feature, as in `features_counted`.
with weighted as (
    select
        *,
        (1 + (hash(feature + 1) >> 40))::double as weight
    from feature_languages
)

select
    weighted.size,
    weighted.step,
    weighted.layer,
    weighted.language,
    count(*) as n,
    sum(weight) as weights,
    sum(weight * n_firings) as firings,
    sum(weight) filter (where p > settings.class_threshold) as weights_above,
    fsum(weight * p) as shares,
    count(*) filter (where (p between 0 and 1) is not true) as n_off
from weighted
cross join settings
group by weighted.size, weighted.step, weighted.layer, weighted.language
