-- Check:   Every replicate is a possible share, entropy or span
-- Why:     The trends of a resampled text obey the same rules.
-- Guards:  bootstrap over documents
-- Grain:   size, step, layer, population, replicate, name
-- Reads:   replicates
-- A null value: no feature of the population fires in the resampled text.
select
    size,
    step,
    layer,
    population,
    replicate,
    name,
    value
from replicates
where
    not isfinite(value)
    or value < if(name = 'mean_span', 1, 0) - 1e-9
    or (name like '%share%' or name = 'monosemanticity') and value > 1 + 1e-9
