-- Title:   Over how many consecutive tokens do features of each class fire?
-- Grain:   size, step, layer, population, language; every class has a row
-- Reads:   cells, classes, features, populations
-- Means over features, with normal 95 % intervals over features alone. A dead feature has
-- no span. Truncated: the share of a feature's runs that are cut by the window.
with sums as (
    select
        size,
        step,
        layer,
        language,
        supported,
        count(*) as n,
        sum(mean_span::decimal(38, 15)) as span,
        sum((mean_span ^ 2)::decimal(38, 15)) as span_2,
        sum(mean_span_active::decimal(38, 15)) as active,
        sum(truncated_share::decimal(18, 15)) as truncated
    from features
    group by size, step, layer, language, supported
),

measured as (
    select
        cells.size,
        cells.step,
        cells.layer,
        populations.population,
        classes.language,
        coalesce(sum(sums.n), 0)::bigint as n_features,
        sum(sums.n)::double as n,
        sum(sums.span)::double as span,
        sum(sums.span_2)::double as span_2,
        sum(sums.active)::double as active,
        sum(sums.truncated)::double as truncated
    from cells
    cross join populations
    cross join classes
    left join sums
        on
            cells.size = sums.size
            and cells.step = sums.step
            and cells.layer = sums.layer
            and classes.language = sums.language
            and (sums.supported or populations.counts_unsupported)
    group by cells.size, cells.step, cells.layer, populations.population, classes.language
)

select
    size,
    step,
    layer,
    population,
    language,
    n_features,
    span / n as mean_span,
    mean_span - z_95() * sqrt(sample_variance(span, span_2, n) / n) as mean_span_low,
    2 * mean_span - mean_span_low as mean_span_high,
    active / n as mean_span_active,
    truncated / n as truncated_share
from measured
