-- Check:   The planned tests and the current tests have one digest each
-- Why:     Every finding is joined with both, and would be listed more than once.
-- Guards:  is_exploratory: the tests are not those of the first export
-- Grain:   the study
-- Reads:   planned_tests, current_tests
with digests as (
    select
        'planned' as tests,
        digest
    from planned_tests
    union all
    select
        'current' as tests,
        digest
    from current_tests
)

select
    count(digest) filter (where tests = 'planned') as n_planned,
    count(digest) filter (where tests = 'current') as n_current
from digests
having n_planned <> 1 or n_current <> 1
