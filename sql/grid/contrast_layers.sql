-- Title:   How much do the layers on each side of a comparison of layers differ?
-- Grain:   finding, comparison, of_size, measure; comparisons of two layers or more per side
-- Reads:   contrasts, measured_shares
-- The variance of a difference of means over layers, which are the units (Welch 1947). It
-- includes that of the features, which each layer has of its own.
with sides as (
    select
        contrasts.finding,
        contrasts.comparison,
        contrasts.of_size,
        contrasts.measure,
        count(*) as n,
        sum(shares.share::decimal(38, 20))::double as total,
        sum((shares.share ^ 2)::decimal(38, 25))::double as squares
    from contrasts
    inner join measured_shares as shares
        using (
            size, step, layer, measure, documents, features
        )
    where contrasts.finding = 'layers'
    group by
        contrasts.finding,
        contrasts.comparison,
        contrasts.of_size,
        contrasts.measure,
        contrasts.weight > 0
    having count(shares.share) = count(*)
),

variances as (
    select
        *,
        sample_variance(total, squares, n) / n as variance
    from sides
)

select
    finding,
    comparison,
    of_size,
    measure,
    fsum(variance) as variance,
    fsum(variance) ^ 2 / nullif(fsum(variance ^ 2 / (n - 1)), 0) as degrees
from variances
group by finding, comparison, of_size, measure
having count(variance) = 2
