-- Title:   Features whose language class does not follow from their shares
-- Grain:   size, step, layer, feature
-- Reads:   features, feature_languages, settings
with largest as (
    select
        size,
        step,
        layer,
        feature,
        arg_max(language, p) as largest_language,
        max(p) as p
    from feature_languages
    group by size, step, layer, feature
)

select
    features.size,
    features.step,
    features.layer,
    features.feature,
    features.language,
    largest.largest_language,
    largest.p as largest_p
from features
inner join largest using (size, step, layer, feature)
cross join settings
where
    features.language is distinct from
    if(largest.p > settings.class_threshold, largest.largest_language, 'mixed')
