-- Check:   A feature's firings in a language are its firings on documents of that language
-- Why:     The language class depends on which document a firing is in.
-- Guards:  p(lang given i), by the language of the document
-- Grain:   feature, language
-- Reads:   feature_languages, firing_counts
with told as (
    select
        feature,
        language,
        sum(n_firings) as n_firings
    from feature_languages
    group by feature, language
),

counted as (
    select
        feature,
        language,
        n_firings
    from firing_counts
    where language is not null
)

select
    coalesce(told.feature, counted.feature) as feature,
    coalesce(told.language, counted.language) as language,
    told.n_firings,
    counted.n_firings as n_firings_counted
from told
full join counted
    on told.feature = counted.feature and told.language = counted.language
where coalesce(told.n_firings, 0) <> coalesce(counted.n_firings, 0)
