-- Title:   In which language does each feature fire?
-- Grain:   feature, language; every language has a row
-- Reads:   language_counts, settings
-- Paper:   section 3.2: p(language given i), by the language of the document
with counts as (
    select
        feature,
        language,
        n_firings
    from language_counts
    where rule = 0
),

totals as (
    select
        feature,
        sum(n_firings)::bigint as n_firings
    from counts
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
    coalesce(counts.n_firings, 0) as n_firings,
    coalesce(counts.n_firings, 0) / totals.n_firings as p
from totals
cross join languages
left join counts
    on
        totals.feature = counts.feature
        and languages.number = counts.language
