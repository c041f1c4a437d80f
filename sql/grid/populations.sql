-- Title:   Which populations of features do trends describe?
-- Grain:   population
-- Reads:   nothing
-- `all` includes dead features, as the paper does; a dead feature counts as mixed.
select
    population,
    counts_dead,
    counts_unsupported
from (
    values
    ('all', true, true),
    ('alive', false, true),
    ('supported', false, false)
) as listed (population, counts_dead, counts_unsupported)
