-- Check:   The current tests have one digest
-- Why:     Every finding is joined with it, and would be listed more than once, or not at all.
-- Guards:  is_exploratory: the tests are not those of the first export
-- Grain:   the study
-- Reads:   current_tests
select count(digest) as n_digests
from current_tests
having n_digests <> 1
