-- Title:   Do the findings hold, given the sample of documents?
-- Grain:   finding, comparison, of_size, measure; tests whose cells all have replicates
-- Reads:   contrasts, findings, replicates
-- The same tests of layers and sizes, with an interval over documents: the estimate -/+
-- 1.96 standard deviations of the replicates. A replicate has the same documents in every
-- cell, so shared variation cancels; replicates with different seeds are not paired.
with tests as (
    select
        *,
        count(*) over (partition by finding, comparison, of_size, measure) as n_cells
    from contrasts
    where measured_on = 'all'
),

drawn as (
    select
        tests.finding,
        tests.comparison,
        tests.of_size,
        tests.measure,
        drawn.seed,
        drawn.replicate,
        sum((tests.weight * drawn.value)::decimal(38, 20))::double as difference
    from tests
    inner join replicates as drawn
        on
            tests.size = drawn.size
            and tests.step = drawn.step
            and tests.layer = drawn.layer
            and tests.measure = drawn.name
    where drawn.population = 'alive' and drawn.value is not null
    group by all
    having count(*) = any_value(tests.n_cells)
),

spread as (
    select
        drawn.finding,
        drawn.comparison,
        drawn.of_size,
        drawn.measure,
        count(*) as n,
        any_value(findings.estimate) as estimate,
        sum((difference - findings.estimate)::decimal(38, 20))::double as deviation,
        sum(((difference - findings.estimate) ^ 2)::decimal(38, 25))::double as squares
    from drawn
    inner join findings using (finding, comparison, of_size, measure)
    group by drawn.finding, drawn.comparison, drawn.of_size, drawn.measure
),

intervals as (
    select
        *,
        z_95() * sqrt(greatest(0, squares - deviation ^ 2 / n) / nullif(n - 1, 0))
            as half
    from spread
)

select
    finding,
    comparison,
    of_size,
    measure,
    estimate,
    estimate - half as low,
    estimate + half as high,
    estimate + deviation / n as replicates_mean,
    n as n_replicates,
    'documents' as interval_over,
    case
        when estimate - half > 0 then 'yes'
        when estimate + half < 0 then 'no'
        when half is not null then 'undecided'
    end as verdict
from intervals
