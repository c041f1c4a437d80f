-- Title:   Which controls show the same difference as the trained models?
-- Grain:   finding, comparison, of_size, measure; tests whose cells some control has
-- Reads:   contrast_tests, control_contrasts
-- shown_by: the controls whose difference, in place of the estimate, would keep 0 outside of
-- Student's 95 % interval on the same side; empty if none does. untrained: the difference in
-- the model at step 0; null if it was not built.
select
    tests.finding,
    tests.comparison,
    tests.of_size,
    tests.measure,
    max(controls.difference) filter (where controls.control = 'untrained') as untrained,
    coalesce(
        string_agg(controls.control, ', ' order by controls.control) filter (
            where sign(tests.estimate) * controls.difference
            > student_quantile(z_95(), tests.degrees) * tests.standard_deviation
        ),
        ''
    ) as shown_by
from contrast_tests as tests
inner join control_contrasts as controls using (finding, comparison, of_size, measure)
group by tests.finding, tests.comparison, tests.of_size, tests.measure
