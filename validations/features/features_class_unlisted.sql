-- Check:   Every class is a study language or `mixed`
-- Why:     Any other class is in no trend.
-- Guards:  language class
-- Grain:   size, step, layer, feature
-- Reads:   features, features_counted, settings
with unlisted as (
    select distinct
        counted.size,
        counted.step,
        counted.layer,
        counted.language
    from features_counted as counted
    cross join settings
    where
        counted.language is null
        or not list_contains(list_append(settings.languages, 'mixed'), counted.language)
    order by all
    limit 3
)

select
    features.size,
    features.step,
    features.layer,
    features.feature,
    features.language
from features
inner join unlisted
    on
        features.size = unlisted.size
        and features.step = unlisted.step
        and features.layer = unlisted.layer
        and features.language is not distinct from unlisted.language
