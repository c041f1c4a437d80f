-- Title:   How large is each difference of the paper's findings, and how probable by chance?
-- Grain:   finding, comparison, of_size, measure
-- Reads:   contrast_tests, twins, finding_controls, size_order
-- half and half_90: half of Student's 95 % and 90 % intervals. p is two-sided; that of the order
-- of all sizes is Kendall's exact one.
with tests as (
    select
        tests.*,
        twins.at_same_fvu,
        twins.at_same_firings,
        controls.untrained,
        controls.shown_by,
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
    left join finding_controls as controls using (finding, comparison, of_size, measure)
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
)

select
    finding,
    comparison,
    of_size,
    measure,
    step_left,
    step_right,
    estimate,
    sd_documents,
    sd_units,
    half,
    half_90,
    p,
    holds_for,
    fvu_left,
    fvu_right,
    at_same_fvu,
    at_same_firings,
    n_alive_left,
    n_alive_right,
    untrained,
    shown_by
from tests
