-- Check:   Every alive feature has one row per language
-- Why:     A language in which a feature never fires is a zero, not a gap.
-- Guards:  grain of feature_languages: one feature and language
-- Grain:   size, step, layer, feature, language
-- Reads:   features, features_counted, feature_languages, feature_languages_counted,
--          settings
with study_languages as (
    select unnest(languages) as language
    from settings
),

wanted as (
    select
        counted.size,
        counted.step,
        counted.layer,
        study_languages.language,
        sum(counted.n) as n,
        sum(counted.weights) as weights
    from features_counted as counted
    cross join study_languages
    group by counted.size, counted.step, counted.layer, study_languages.language
),

looked_at as (
    select distinct
        size,
        step,
        layer
    from wanted
    full join feature_languages_counted as counted using (size, step, layer, language)
    where
        wanted.n is distinct from counted.n
        or wanted.weights is distinct from counted.weights
    order by all
    limit 3
),

listed as (
    select
        size,
        step,
        layer,
        feature,
        study_languages.language,
        1 as n_wanted,
        0 as n_rows
    from features
    semi join looked_at using (size, step, layer)
    cross join study_languages
    union all
    select
        size,
        step,
        layer,
        feature,
        language,
        0 as n_wanted,
        1 as n_rows
    from feature_languages
    semi join looked_at using (size, step, layer)
)

select
    size,
    step,
    layer,
    feature,
    language,
    max(n_wanted) as n_wanted,
    sum(n_rows) as n_rows
from listed
group by size, step, layer, feature, language
having max(n_wanted) <> sum(n_rows)
