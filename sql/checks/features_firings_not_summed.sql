-- Title:   Features whose firings are not the sum over the languages
-- Grain:   size, step, layer, feature
-- Reads:   features, feature_languages
with sums as (
    select
        size,
        step,
        layer,
        feature,
        sum(n_firings) as n_firings
    from feature_languages
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
left join sums using (size, step, layer, feature)
where features.n_firings is distinct from sums.n_firings
