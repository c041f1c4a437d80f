-- Check:   Every pair of similar tokens is listed once, the lower first
-- Why:     A pair that is listed twice is counted twice.
-- Guards:  grain of neighbours: token_id, other
-- Grain:   token_id, other
-- Reads:   neighbours
select
    token_id,
    other,
    count(*) as n_rows
from neighbours
group by token_id, other
having count(*) > 1 or token_id >= other
