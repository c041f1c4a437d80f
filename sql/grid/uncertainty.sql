-- Title:   How uncertain is each trend, given the sample of documents?
-- Grain:   size, step, layer, population, name; cells with replicates
-- Reads:   replicates, trend_values
-- Resampled: the evaluation documents. Held fixed: the model, its autoencoder, the maxima
-- and so which activations fire, semantic clusters, exclusive tokens, and which features
-- are supported. The interval is the estimate -/+ 1.96 standard deviations over the
-- replicates, not their percentiles: a resampled text has fewer of a feature's documents, so
-- features that fire rarely seem clearer than they are, and `replicates_mean` is biased.
-- features_low and features_high: the interval over features alone, for the given text.
with deviations as (
    select
        replicates.size,
        replicates.step,
        replicates.layer,
        replicates.population,
        replicates.name,
        count(replicates.value) as n,
        any_value(trend.value) as estimate,
        any_value(trend.low) as features_low,
        any_value(trend.high) as features_high,
        sum((replicates.value - trend.value)::decimal(38, 20))::double as deviation,
        sum(((replicates.value - trend.value) ^ 2)::decimal(38, 25))::double as squares
    from replicates
    inner join trend_values as trend using (size, step, layer, population, name)
    group by
        replicates.size,
        replicates.step,
        replicates.layer,
        replicates.population,
        replicates.name
),

spread as (
    select
        *,
        sqrt(greatest(0, squares - deviation ^ 2 / n) / nullif(n - 1, 0))
            as standard_deviation
    from deviations
)

select
    size,
    step,
    layer,
    population,
    name,
    estimate,
    estimate - z_95() * standard_deviation as low,
    estimate + z_95() * standard_deviation as high,
    standard_deviation,
    estimate + deviation / nullif(n, 0) as replicates_mean,
    n as n_replicates,
    features_low,
    features_high
from spread
