-- Title:   Features and languages whose firings are not those on documents of the language
-- Grain:   size, step, layer, feature, language
-- Reads:   cells_disagreeing, feature_languages, firings, tokens
with looked_at as (
    select
        size,
        step,
        layer
    from cells_disagreeing
    where about = 'languages'
),

told as (
    select
        size,
        step,
        layer,
        feature,
        language,
        sum(n_firings) as n_firings
    from feature_languages
    semi join looked_at using (size, step, layer)
    group by size, step, layer, feature, language
),

counted as (
    select
        firings.size,
        firings.step,
        firings.layer,
        firings.feature,
        tokens.language,
        count(*) as n_firings
    from firings
    semi join looked_at using (size, step, layer)
    inner join tokens on firings.token_row = tokens.token_row
    group by all
)

select
    size,
    step,
    layer,
    feature,
    language,
    told.n_firings,
    counted.n_firings as n_firings_counted
from told
full join counted using (size, step, layer, feature, language)
where coalesce(told.n_firings, 0) <> coalesce(counted.n_firings, 0)
