-- Check:   Every pair has a text in two languages or more
-- Why:     A text without a translation cannot be retrieved.
-- Guards:  translation pairs
-- Grain:   pair
-- Reads:   pair_tokens
select
    pair,
    count(distinct language) as n_languages
from pair_tokens
group by pair
having count(distinct language) < 2
