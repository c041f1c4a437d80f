-- Check:   Every class is a study language or `mixed`
-- Why:     A feature of any other class is in no trend.
-- Guards:  language class
-- Grain:   size, step, layer, feature
-- Reads:   classes, features, features_counted
with unlisted as (
    select distinct
        counted.size,
        counted.step,
        counted.layer,
        counted.language
    from features_counted as counted
    left join classes on counted.language = classes.language
    where classes.language is null
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
