-- Title:   Do the paper's three findings hold?
-- Grain:   finding, comparison, of_size, measure
-- Reads:   finding_tests, settings, planned_tests, current_tests
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
-- layers and sizes on both sides. shown_by: the controls that show the same (finding_controls).
-- The order of sizes has Kendall's tau as its estimate.
-- is_exploratory: the grid, the thresholds or the tests are not those of the first export.
with judged as (
    select
        *,
        count(p) over (partition by finding) as n_tests,
        holm(p, list(p) over (partition by finding)) as p_family,
        is_confounded(
            estimate, half, fvu_left, fvu_right, at_same_fvu, at_same_firings
        ) as confounded
    from finding_tests
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
    judged.p_family,
    judged.n_tests,
    verdict(
        judged.p_family,
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
    judged.shown_by,
    (planned_tests.digest <> current_tests.digest) as is_exploratory
from judged
cross join settings
cross join planned_tests
cross join current_tests
