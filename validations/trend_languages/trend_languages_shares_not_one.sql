-- Check:   The shares of the classes sum to one
-- Why:     Every feature of the population is in exactly one class.
-- Guards:  language class
-- Grain:   size, step, layer, population
-- Reads:   trend_languages
-- An empty population has no shares.
select
    size,
    step,
    layer,
    population,
    sum(n_features) as n_features,
    fsum(share) as total_share
from trend_languages
group by size, step, layer, population
having sum(n_features) > 0 and (abs(fsum(share) - 1) <= 1e-9) is not true
