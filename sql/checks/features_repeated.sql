-- Title:   Features that stand more than once in their cell
-- Grain:   size, step, layer, feature
-- Reads:   features
select
    size,
    step,
    layer,
    feature,
    count(*) as n_rows
from features
group by size, step, layer, feature
having count(*) > 1
