-- Title:   How specific to a language is each feature, without a threshold?
-- Grain:   size, step, layer, feature; alive features
-- Reads:   features, feature_languages, tokens, antipodes
-- By the rate of firings per token of each language. lape: the entropy of these rates as shares,
-- in nats (Tang et al. 2024, there of activations); 0 if all firings are in one language.
-- monolinguality: the largest rate less the next, as a share of both. is_dense: it fires on
-- more than a tenth of all tokens. Dense features come in antipodal pairs (Sun et al. 2025):
-- antipode is the feature whose direction is the most opposite to a dense one's, and
-- antipodal_cosine the cosine of both, -1 if they are antipodal; null in stores without
-- `antipodes`.
with languages as (
    select
        language,
        count(*) as n_tokens
    from tokens
    group by language
),

texts as (
    select sum(n_tokens) as n_tokens
    from languages
),

rates as (
    select
        feature_languages.size,
        feature_languages.step,
        feature_languages.layer,
        feature_languages.feature,
        feature_languages.n_firings / languages.n_tokens as rate
    from feature_languages
    inner join languages on feature_languages.language = languages.language
),

listed as (
    select
        size,
        step,
        layer,
        feature,
        list(rate order by rate desc) as rates
    from rates
    group by size, step, layer, feature
)

select
    features.size,
    features.step,
    features.layer,
    features.feature,
    features.language,
    features.supported,
    features.n_firings / texts.n_tokens as density,
    is_dense(features.n_firings / texts.n_tokens) as is_dense,
    -list_sum([
        if(rate = 0, 0, rate / list_sum(listed.rates) * ln(rate / list_sum(listed.rates)))
        for rate in listed.rates
    ]) as lape,
    (listed.rates[1] - listed.rates[2]) / (listed.rates[1] + listed.rates[2])
        as monolinguality,
    antipodes.antipode,
    antipodes.antipodal_cosine
from features
inner join listed using (size, step, layer, feature)
left join antipodes using (size, step, layer, feature)
cross join texts
