-- Title:   In which language does each feature fire?
-- Grain:   feature, language; every language has a row
-- Reads:   firings, tokens, settings
-- Paper:   section 3.2: p(language given i), by the language of the document
with languages as (
    select unnest(languages) as language
    from settings
),

counts as (
    select
        firings.feature,
        tokens.language,
        count(*) as n_firings
    from firings
    inner join tokens on firings.token_row = tokens.token_row
    group by firings.feature, tokens.language
),

totals as (
    select
        feature,
        sum(n_firings)::bigint as n_firings
    from counts
    group by feature
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
        and languages.language = counts.language
