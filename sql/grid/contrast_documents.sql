-- Title:   How much does each test depend on the sampled documents?
-- Grain:   finding, comparison, of_size, measure
-- Reads:   contrasts, measured_shares
-- The eighths of the text are eight texts of an eighth of its size, with maxima, firings and
-- classes of their own. All cells have the same eighths, so what they have in common cancels.
-- A class flips where a feature's share is near the threshold, within some 1 / sqrt(n) of it,
-- so the variance of a share of features falls as 1 / sqrt(n), not as 1 / n: that of the whole
-- text is that between eighths over sqrt(8), of half of the text over sqrt(4). degrees: seven
-- degrees of freedom for each set of cells with the same documents (Satterthwaite's sum).
with eighths as (
    select
        contrasts.finding,
        contrasts.comparison,
        contrasts.of_size,
        contrasts.measure,
        contrasts.documents,
        contrasts.features,
        shares.documents as eighth,
        count(*) as n_cells,
        count(shares.share) as n_shares,
        sum((contrasts.weight * shares.share)::decimal(38, 20))::double as value
    from contrasts
    inner join measured_shares as shares
        on
            contrasts.size = shares.size
            and contrasts.step = shares.step
            and contrasts.layer = shares.layer
            and contrasts.measure = shares.measure
            and contrasts.features = shares.features
    where shares.documents in ('0', '1', '2', '3', '4', '5', '6', '7')
    group by all
),

spread as (
    select
        finding,
        comparison,
        of_size,
        measure,
        documents,
        count(*) as n,
        bool_and(n_cells = n_shares) as is_whole,
        sum(value::decimal(38, 20))::double as total,
        sum((value ^ 2)::decimal(38, 25))::double as squares
    from eighths
    group by finding, comparison, of_size, measure, documents, features
),

variances as (
    select
        *,
        sample_variance(total, squares, n)
        / sqrt(if(documents = 'all', 8, 4)) as variance
    from spread
    where is_whole
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
