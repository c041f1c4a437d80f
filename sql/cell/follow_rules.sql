-- Title:   How many firings follow a firing of their feature, by which rules?
-- Grain:   feature, rules by which both fire
-- Reads:   ruled_codes
-- A firing follows another if that is on the previous token of the same document; only an
-- activation that does not start a run can follow another.
select
    later.feature,
    earlier.rules & later.rules as rules,
    count(*) as n_firings
from ruled_codes as earlier
inner join ruled_codes as later
    on
        earlier.feature = later.feature
        and earlier.token_row + 1 = later.token_row
where not later.starts_run
group by later.feature, earlier.rules & later.rules
