-- Check:   Every class follows from the feature's shares
-- Why:     The class is the language whose share exceeds the threshold, else `mixed`.
-- Guards:  language class
-- Grain:   size, step, layer, feature
-- Reads:   features, features_counted, feature_languages, feature_languages_counted,
--          settings
-- No two shares exceed the threshold, so each language has as many rows above it as features.
-- Where the numbers differ, the first three cells are compared feature by feature.
with classes as (
    select
        size,
        step,
        layer,
        language,
        sum(weights) as weights
    from features_counted
    where language is distinct from 'mixed'
    group by size, step, layer, language
),

looked_at as (
    select distinct
        size,
        step,
        layer
    from classes
    full join feature_languages_counted as counted using (size, step, layer, language)
    where coalesce(classes.weights, 0) <> coalesce(counted.weights_above, 0)
    order by all
    limit 3
),

largest as (
    select
        size,
        step,
        layer,
        feature,
        arg_max(language, p) as largest_language,
        max(p) as p
    from feature_languages
    semi join looked_at using (size, step, layer)
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
