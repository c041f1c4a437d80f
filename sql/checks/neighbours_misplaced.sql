-- Title:   Pairs of alike tokens that stand more than once, or in the wrong order
-- Grain:   token_id, other
-- Reads:   neighbours
select
    token_id,
    other,
    count(*) as n_rows
from neighbours
group by token_id, other
having count(*) > 1 or token_id >= other
