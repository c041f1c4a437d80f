-- Title:   Which features have firings that differ from their codes above the threshold?
-- Grain:   feature; the first sixteen
-- Kept:    as a table, because several views read it
-- Reads:   fired_sums, firing_sums
-- Sums are compared first, to avoid a join over all codes; rows are compared where the sums
-- differ.
select
    coalesce(fired_sums.feature, firing_sums.feature) as feature,
    fired_sums.n_firings as n_above,
    firing_sums.n_firings
from fired_sums
full join firing_sums on fired_sums.feature = firing_sums.feature
where
    fired_sums.n_firings is distinct from firing_sums.n_firings
    or fired_sums.total is distinct from firing_sums.total
order by feature
limit 16
