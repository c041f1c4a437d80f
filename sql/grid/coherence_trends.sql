-- Title:   Do features become coherent in meaning, within a language and across languages?
-- Grain:   size, step, layer, population, source, token_set, kind
-- Reads:   coherence_sums, cells
-- All features of `feature_coherence` have the same weight. Interval: normal, over features
-- alone.
with means as (
    select
        *,
        excess / n_features as mean_excess,
        sample_variance(excess, excess_2, n_features) as variance
    from coherence_sums
),

halves as (
    select
        *,
        z_95() * sqrt(variance / n_features) as half
    from means
)

select
    halves.size,
    halves.step,
    halves.layer,
    halves.population,
    halves.source,
    halves.token_set,
    halves.kind,
    cells.tokens_seen,
    halves.n_features,
    halves.coherence / halves.n_features as coherence,
    halves.coherence_null / halves.n_features as coherence_null,
    halves.mean_excess as excess,
    halves.mean_excess - halves.half as excess_low,
    halves.mean_excess + halves.half as excess_high
from halves
inner join cells using (size, step, layer)
