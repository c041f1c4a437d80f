-- Title:   Do the paper's three findings hold?
-- Grain:   finding, comparison, of_size, measure
-- Reads:   contrast_tests, twins, untrained_contrasts, size_order, settings, planned_tests,
--          current_tests
-- Paper:   the mixed share falls and rises again, is highest in the middle layers, and
--          higher in larger models
-- The estimate is left minus right, of alive features; its 95 % interval is Student's, from
-- the variance over documents and over units (sd_documents, sd_units). p is two-sided,
-- p_family Holm's, over all tests of the finding. Verdicts: `yes` and `no`: p_family is below
-- 0.05, and the estimate above or below 0. `confounded`: it is, but the sides' FVU differ by
-- more than a quarter, and at the same FVU (at_same_fvu) or the same number of firings per
-- feature (at_same_firings) the interval's half no longer keeps the estimate from 0.
-- `negligible`: the 90 % interval is within the study's `negligible` difference of 0.
-- `undecided`: none of these. `untrained`: the same difference with step 0 on the left, for
-- layers and sizes on both sides. The order of sizes has Kendall's tau as its estimate.
-- is_exploratory: the grid, the thresholds or the tests are not those of the first export.
with tests as (
    select
        tests.*,
        twins.at_same_fvu,
        twins.at_same_firings,
        untrained.difference as untrained,
        tests.estimate / nullif(tests.standard_deviation, 0) as t,
        student_quantile(z_95(), tests.degrees) * tests.standard_deviation as half,
        student_quantile(1.644854, tests.degrees) * tests.standard_deviation as half_90,
        two_sided_p(normal_deviate(t, tests.degrees)) as p,
        case
            when tests.is_over_layers then 'this autoencoder'
            when tests.finding = 'layers' then 'these layers, this autoencoder'
            when tests.finding = 'sizes' then 'these two models, this autoencoder'
            else 'this model, this autoencoder'
        end as holds_for
    from contrast_tests as tests
    left join twins using (finding, comparison, of_size, measure)
    left join untrained_contrasts as untrained using (finding, comparison, of_size, measure)
    union all by name
    select
        'sizes' as finding,
        'order of all sizes' as comparison,
        largest_size as of_size,
        measure,
        tau as estimate,
        p,
        concat('these ', n_models, ' models, this autoencoder') as holds_for
    from size_order
    where n_models > 2
),

ranked as (
    select
        *,
        row_number() over (
            partition by finding order by p nulls last, comparison, of_size, measure
        ) as rank,
        count(p) over (partition by finding) as n_tests
    from tests
),

judged as (
    select
        *,
        max(least(1, (n_tests - rank + 1) * p)) over (
            partition by finding order by rank rows unbounded preceding
        ) as p_family,
        is_confounded(
            estimate, half, fvu_left, fvu_right, at_same_fvu, at_same_firings
        ) as confounded
    from ranked
)

select
    judged.finding,
    judged.comparison,
    judged.of_size,
    judged.measure,
    judged.step_left,
    judged.step_right,
    judged.estimate,
    judged.estimate - judged.half as low,
    judged.estimate + judged.half as high,
    judged.sd_documents,
    judged.sd_units,
    judged.p,
    if(judged.p is null, null, judged.p_family) as p_family,
    judged.n_tests,
    verdict(
        if(judged.p is null, null, judged.p_family),
        judged.estimate,
        judged.confounded,
        judged.half_90,
        settings.negligible
    ) as verdict,
    judged.holds_for,
    judged.fvu_left,
    judged.fvu_right,
    judged.at_same_fvu,
    judged.at_same_firings,
    judged.n_alive_left,
    judged.n_alive_right,
    judged.untrained,
    (planned_tests.digest <> current_tests.digest) as is_exploratory
from judged
cross join settings
cross join planned_tests
cross join current_tests
