-- Check:   Every verdict follows from its interval and its p
-- Why:     The paper's findings are judged by it.
-- Guards:  yes: above 0, and p below 0.05 among all tests of the finding
-- Grain:   finding, comparison, of_size, measure
-- Reads:   findings
select
    finding,
    comparison,
    of_size,
    measure,
    low,
    estimate,
    high,
    p,
    p_family,
    verdict
from findings
where
    low > estimate + 1e-9
    or estimate > high + 1e-9
    or p > p_family + 1e-9
    or (verdict = 'yes' and (estimate > 0 and p_family < 0.05) is not true)
    or (verdict = 'no' and (estimate < 0 and p_family < 0.05) is not true)
    or (verdict in ('yes', 'no') and low < 0 and high > 0)
    or (verdict in ('undecided', 'negligible') and (p_family >= 0.05) is not true)
    or (verdict is null) <> (p is null)
