-- Check:   A feature has at most one row for each text of a pair
-- Why:     A repeated row counts twice in every product of the text.
-- Guards:  grain of pair_codes: pair, language and feature
-- Grain:   pair, language, feature
-- Reads:   pair_codes
select
    pair,
    language,
    feature,
    count(*) as n_rows
from pair_codes
group by pair, language, feature
having count(*) > 1
