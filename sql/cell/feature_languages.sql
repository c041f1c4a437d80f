-- Title:   In which language does each feature fire?
-- Grain:   feature, language; every language has a row
-- Reads:   token_rules, settings
-- Paper:   section 3.2: p(language given i), by the language of the document
-- Firings by the study's own rule, which has the first bit.
with counts as (
    select
        feature,
        language,
        sum(n_firings)::bigint as n_firings
    from token_rules
    where rules & 1 > 0
    group by feature, language
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
