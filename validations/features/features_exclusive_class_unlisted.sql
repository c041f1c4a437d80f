-- Check:   Every exclusive class is a study language or `mixed`, or null
-- Why:     A feature of any other class is in no trend.
-- Guards:  exclusive class
-- Grain:   size, step, layer, feature
-- Reads:   classes, features, features_counted
with unlisted as (
    select distinct
        counted.size,
        counted.step,
        counted.layer,
        counted.language_exclusive
    from features_counted as counted
    left join classes on counted.language_exclusive = classes.language
    where counted.language_exclusive is not null and classes.language is null
    order by all
    limit 3
)

select
    features.size,
    features.step,
    features.layer,
    features.feature,
    features.language_exclusive
from features
inner join unlisted
    on
        features.size = unlisted.size
        and features.step = unlisted.step
        and features.layer = unlisted.layer
        and features.language_exclusive is not distinct from unlisted.language_exclusive
