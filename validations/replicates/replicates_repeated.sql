-- Check:   Every replicate has one row
-- Why:     A replicate with two rows narrows every interval.
-- Guards:  grain of replicates
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
