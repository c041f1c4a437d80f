-- Title:   In which class is each feature: by all firings, by those on exclusive tokens, and
--          with permuted languages of documents?
-- Grain:   variant, feature
-- Reads:   largest_languages, variants, settings
-- Paper:   section 3.3: a language whose share is above the threshold, else mixed
with classes as (
    select
        variants.variant,
        largest_languages.feature,
        largest_languages.kind,
        largest_languages.n,
        if(
            largest_languages.share > variants.class_threshold,
            settings.languages[largest_languages.language],
            'mixed'
        ) as class
    from largest_languages
    inner join variants on largest_languages.rule = variants.rule
    cross join settings
)

select
    classes.variant,
    classes.feature,
    max(n) as n_firings,
    max(class) filter (where kind = 'true') as language,
    max(class) filter (where kind = 'permuted') as language_permuted,
    max(class) filter (where kind = 'exclusive' and n >= settings.min_exclusive_firings)
        as language_exclusive,
    1 - coalesce(max(n) filter (where kind = 'exclusive'), 0) / max(n) as p_shared
from classes
cross join settings
group by classes.variant, classes.feature
