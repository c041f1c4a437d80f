-- Title:   Which features does a trend speak of?
-- Grain:   population
-- Reads:   nothing
-- `all` counts the dead ones in, as the paper does; a dead feature is mixed.
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
