-- Title:   How coherent is each feature within a language, and across languages?
-- Grain:   size, step, layer, feature, source, token_set, kind
-- Reads:   coherence, features, settings
-- Over its pairs of firings within each language, or in two languages; a language counts if
-- the feature fires there at least `min_exclusive_firings` times.
with sums as (
    select
        coherence.size,
        coherence.step,
        coherence.layer,
        coherence.feature,
        coherence.source,
        coherence.token_set,
        if(coherence.language_a = coherence.language_b, 'within', 'across') as kind,
        sum(coherence.n_pairs)::double as n_pairs,
        sum((coherence.n_pairs * coherence.coherence)::decimal(38, 15))::double as total,
        sum((coherence.n_pairs * coherence.coherence_null)::decimal(38, 15))::double
            as total_null
    from coherence
    cross join settings
    where
        coherence.n_firings_a >= settings.min_exclusive_firings
        and coherence.n_firings_b >= settings.min_exclusive_firings
    group by all
)

select
    sums.size,
    sums.step,
    sums.layer,
    sums.feature,
    sums.source,
    sums.token_set,
    sums.kind,
    features.supported,
    sums.n_pairs::bigint as n_pairs,
    sums.total / sums.n_pairs as coherence,
    sums.total_null / sums.n_pairs as coherence_null,
    (sums.total - sums.total_null) / sums.n_pairs as excess
from sums
inner join features using (size, step, layer, feature)
