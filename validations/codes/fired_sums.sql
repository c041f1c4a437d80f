-- Title:   What do each feature's codes above its threshold add up to?
-- Grain:   feature
-- Reads:   fired
select
    feature,
    count(*) as n_firings,
    sum(hash(token_row, value) >> 24) as total
from fired
group by feature
