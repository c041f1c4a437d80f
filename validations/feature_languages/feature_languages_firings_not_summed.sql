-- Check:   A feature's firings are the sum of its firings in each language
-- Why:     Every firing is in a document of exactly one language.
-- Guards:  p(lang given i)
-- Grain:   size, step, layer, feature
-- Reads:   cells_disagreeing, features, feature_languages
with looked_at as (
    select
        size,
        step,
        layer
    from cells_disagreeing
    where about = 'sums'
),

sums as (
    select
        size,
        step,
        layer,
        feature,
        sum(n_firings) as n_firings
    from feature_languages
    semi join looked_at using (size, step, layer)
    group by size, step, layer, feature
)

select
    features.size,
    features.step,
    features.layer,
    features.feature,
    features.n_firings,
    sums.n_firings as n_firings_summed
from features
semi join looked_at using (size, step, layer)
left join sums using (size, step, layer, feature)
where features.n_firings is distinct from sums.n_firings
