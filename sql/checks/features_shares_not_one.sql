-- Title:   Features whose shares over the languages do not sum to one
-- Grain:   size, step, layer, feature
-- Reads:   features, feature_languages, settings
with sums as (
    select
        size,
        step,
        layer,
        feature,
        count(*) as n_languages,
        fsum(p) as p
    from feature_languages
    group by size, step, layer, feature
)

select
    features.size,
    features.step,
    features.layer,
    features.feature,
    sums.n_languages,
    sums.p
from features
left join sums using (size, step, layer, feature)
cross join settings
where
    (abs(sums.p - 1) <= 1e-9 and sums.n_languages = len(settings.languages))
    is not true
