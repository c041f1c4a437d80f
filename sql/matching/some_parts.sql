-- Title:   Which features hold half of the firings of which, among some?
-- Grain:   is_permuted, is_to, feature, part
-- Reads:   candidates, passes
select
    passes.is_permuted,
    false as is_to,
    candidates.feature,
    candidates.feature_to as part
from candidates
cross join passes
where candidates.held_to >= 0.5::double
union all
select
    passes.is_permuted,
    true as is_to,
    candidates.feature_to as feature,
    candidates.feature as part
from candidates
cross join passes
where candidates.held >= 0.5::double
