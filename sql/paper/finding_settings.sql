-- Title:   Under how many other settings does each difference keep its sign?
-- Grain:   finding, comparison, of_size, measure
-- Reads:   contrast_tests, setting_contrasts
-- Settings are changed one at a time (`sensitivity`). n_same_sign: those under which the
-- difference has the sign of the estimate in `findings`; settings_against: all others. A sign
-- says nothing about the size of the difference, and intervals are not computed again.
with signs as (
    select
        tests.finding,
        tests.comparison,
        tests.of_size,
        tests.measure,
        tests.estimate,
        settings.setting,
        settings.value,
        sign(settings.difference) = sign(tests.estimate) as is_same
    from contrast_tests as tests
    inner join setting_contrasts as settings using (finding, comparison, of_size, measure)
    where tests.estimate is not null and settings.difference is not null
)

select
    finding,
    comparison,
    of_size,
    measure,
    estimate,
    count(*) as n_settings,
    count(*) filter (where is_same) as n_same_sign,
    coalesce(
        string_agg(concat(setting, ' = ', value), ', ' order by setting, value)
        filter (where not is_same),
        ''
    ) as settings_against
from signs
group by finding, comparison, of_size, measure, estimate
