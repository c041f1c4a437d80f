-- Title:   Findings whose verdict does not follow from their interval
-- Grain:   finding, comparison, of_size, measure, chosen_on
-- Reads:   findings
select
    finding,
    comparison,
    of_size,
    measure,
    chosen_on,
    low,
    estimate,
    high,
    verdict
from findings
where
    low > estimate + 1e-9
    or estimate > high + 1e-9
    or (verdict = 'yes' and (low > 0) is not true)
    or (verdict = 'no' and low > 0)
    or (verdict = 'undecided' and (low <= 0 and high >= 0) is not true)
