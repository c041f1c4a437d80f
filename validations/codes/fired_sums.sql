-- Title:   Sums over each feature's codes above its threshold
-- Grain:   feature
-- Kept:    as a table, because several views read it
-- Reads:   fired
select
    feature,
    count(*) as n_firings,
    sum(hash(token_row, value) >> 24) as total
from fired
group by feature
