-- Title:   How uncertain is each trend, given the sample of documents?
-- Grain:   size, step, layer, population, name; cells with replicates
-- Reads:   replicate_spread, bootstrap_factors
-- Resampled: the evaluation documents. Held fixed: the model, its autoencoder, the maxima
-- and so which activations fire, semantic clusters, exclusive tokens, and which features
-- are supported. The standard deviation is that of the replicates times `factor`, by which
-- the halves of the text differ more than replicates do; for the shares of languages, the
-- factor of the mixed share. The interval is the estimate -/+ 1.96 of it, not percentiles: a
-- resampled text has fewer of a feature's documents, so features that fire rarely seem
-- clearer than they are, and `replicates_mean` is biased. features_low and features_high:
-- the interval over features alone, for the given text; design_effect: the variance of the
-- former over that of the latter. Above 1, the interval over features alone is too narrow.
with widened as (
    select
        spread.*,
        coalesce(factors.factor, 1) as factor,
        spread.standard_deviation * coalesce(factors.factor, 1) as sd_widened
    from replicate_spread as spread
    left join bootstrap_factors as factors
        on
            spread.population = factors.population
            and factors.name = if(
                spread.name like 'share of %', 'mixed_share', spread.name
            )
)

select
    size,
    step,
    layer,
    population,
    name,
    estimate,
    estimate - z_95() * sd_widened as low,
    estimate + z_95() * sd_widened as high,
    sd_widened as standard_deviation,
    factor,
    estimate + deviation / nullif(n, 0) as replicates_mean,
    n as n_replicates,
    features_low,
    features_high,
    (2 * z_95() * sd_widened / nullif(features_high - features_low, 0)) ^ 2
        as design_effect
from widened
