-- Title:   Replicates that stand more than once
-- Grain:   size, step, layer, population, replicate, name
-- Reads:   replicates
select
    size,
    step,
    layer,
    population,
    replicate,
    name,
    count(*) as n_rows
from replicates
group by size, step, layer, population, replicate, name
having count(*) > 1
