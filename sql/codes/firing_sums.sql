-- Title:   What do each feature's firings add up to?
-- Grain:   feature
-- Reads:   firings
select
    feature,
    count(*) as n_firings,
    sum(hash(token_row, value) >> 24) as total
from firings
group by feature
