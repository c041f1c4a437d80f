-- Title:   In which language does each feature fire?
-- Grain:   feature, language; every language has a row
-- Reads:   language_counts, settings
-- Paper:   section 3.2: p(language given i), by the language of the document
with totals as (
    select
        feature,
        sum(n_firings)::bigint as n_firings
    from language_counts
    group by feature
),

languages as (
    select
        number,
        settings.languages[number] as language
    from settings
    cross join unnest(range(1, len(settings.languages) + 1)) as listed (number)
)

select
    totals.feature,
    languages.language,
    coalesce(language_counts.n_firings, 0) as n_firings,
    coalesce(language_counts.n_firings, 0) / totals.n_firings as p
from totals
cross join languages
left join language_counts
    on
        totals.feature = language_counts.feature
        and languages.number = language_counts.language
