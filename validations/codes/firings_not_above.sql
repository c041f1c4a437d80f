-- Check:   Every firing exceeds its feature's threshold
-- Why:     All metrics of a feature are computed over its firings.
-- Guards:  firing: value > threshold x the feature's maximum
-- Grain:   feature, token_row
-- Reads:   firings, firings_differ, code_floors
select
    firings.feature,
    firings.token_row,
    firings.value,
    code_floors.floor
from firings
inner join firings_differ on firings.feature = firings_differ.feature
inner join code_floors on firings.feature = code_floors.feature
where (firings.value::double > code_floors.floor) is not true
