-- Title:   How large is each difference over autoencoders with different seeds, and how sure?
-- Grain:   finding, comparison, of_size, measure
-- Reads:   store_findings
-- The estimate is the mean over stores, each with a seed of its own. Seeds are drawn, so
-- their variance is divided by their number; all stores have the same documents, so the
-- variance over documents is not. Degrees of freedom: n_seeds - 1 for the seeds, 7 for the
-- documents. A difference is negligible within the study's margin, or by default within the
-- distance that two seeds have on average: the root of 2 times their standard deviation.
with deviations as (
    select
        *,
        sum(estimate::decimal(38, 20)) over same_test::double
        / nullif(count(estimate) over same_test, 0) as centre
    from store_findings
    where sd_documents is not null
    window same_test as (partition by finding, comparison, of_size, measure)
),

summed as (
    select
        finding,
        comparison,
        of_size,
        measure,
        count(estimate) as n_seeds,
        any_value(centre) as estimate,
        sqrt(
            sum(((estimate - centre) ^ 2)::decimal(38, 25))::double
            / nullif(count(estimate) - 1, 0)
        ) as sd_seeds,
        sqrt(favg(sd_documents ^ 2)) as sd_documents,
        favg(fvu_left) as fvu_left,
        favg(fvu_right) as fvu_right,
        favg(at_same_fvu) as at_same_fvu,
        favg(at_same_firings) as at_same_firings,
        any_value(negligible) as negligible
    from deviations
    group by finding, comparison, of_size, measure
)

select
    *,
    sqrt(sd_seeds ^ 2 / n_seeds + sd_documents ^ 2) as standard_deviation,
    standard_deviation ^ 4 / (
        (sd_seeds ^ 2 / n_seeds) ^ 2 / nullif(n_seeds - 1, 0) + sd_documents ^ 4 / 7
    ) as degrees,
    student_quantile(z_95(), degrees) * standard_deviation as half,
    student_quantile(1.644854, degrees) * standard_deviation as half_90,
    coalesce(negligible, sqrt(2) * sd_seeds) as margin,
    two_sided_p(normal_deviate(estimate / nullif(standard_deviation, 0), degrees)) as p
from summed
