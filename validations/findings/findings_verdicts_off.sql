-- Check:   Every verdict follows from its interval
-- Why:     The paper's findings are judged by it.
-- Guards:  yes: the whole interval is above 0
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
