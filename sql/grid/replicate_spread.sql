-- Title:   How far do the trends of resampled texts spread?
-- Grain:   size, step, layer, population, name; cells with replicates
-- Reads:   replicates, trend_values
-- The standard deviation is over replicates. deviation: the sum of their differences from
-- the estimate.
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
)

select
    * exclude (squares),
    sqrt(sample_variance(deviation, squares, n)) as standard_deviation
from deviations
