-- Title:   Between which curves do the trends of a layer lie, at all its steps at once?
-- Grain:   size, layer, population, name, step; layers whose cells have the same replicates
-- Reads:   replicates, uncertainty
-- 95 % simultaneous bands over a layer's trained steps (Romano and Wolf 2005): in 95 % of the
-- replicates, no step is further from its mean than `quantile` standard deviations. All
-- cells have the same resampled documents, so replicates are compared across steps.
-- Standard deviations are those of `uncertainty`. Fewer than 1,000 replicates make the
-- quantile rough.
with deviations as (
    select
        replicates.size,
        replicates.layer,
        replicates.step,
        replicates.population,
        replicates.name,
        replicates.seed,
        replicates.replicate,
        coalesce(
            abs(replicates.value - uncertainty.replicates_mean)
            / nullif(uncertainty.standard_deviation / uncertainty.factor, 0),
            0
        ) as deviation
    from replicates
    inner join uncertainty using (size, step, layer, population, name)
    where replicates.step > 0 and replicates.value is not null
),

largest as (
    select
        size,
        layer,
        population,
        name,
        seed,
        replicate,
        count(*) as n_steps,
        max(deviation) as deviation
    from deviations
    group by size, layer, population, name, seed, replicate
),

quantiles as (
    select
        size,
        layer,
        population,
        name,
        max(n_steps) as n_steps,
        count(*) as n_replicates,
        quantile_cont(deviation, 0.95) as quantile
    from largest
    group by size, layer, population, name
    having min(n_steps) = max(n_steps)
)

select
    uncertainty.size,
    uncertainty.layer,
    uncertainty.population,
    uncertainty.name,
    uncertainty.step,
    uncertainty.estimate,
    uncertainty.estimate - quantiles.quantile * uncertainty.standard_deviation as low,
    uncertainty.estimate + quantiles.quantile * uncertainty.standard_deviation as high,
    quantiles.quantile,
    quantiles.n_steps,
    quantiles.n_replicates
from uncertainty
inner join quantiles using (size, layer, population, name)
where uncertainty.step > 0 and uncertainty.estimate is not null
