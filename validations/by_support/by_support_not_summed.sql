-- Check:   The bins of `by_support` add up to all alive features
-- Why:     A feature that falls between the bins is in none of them.
-- Guards:  n_documents_low to n_documents_high
-- Grain:   size, step, layer
-- Reads:   by_support, trends
with sums as (
    select
        size,
        step,
        layer,
        sum(n_features) as n_features
    from by_support
    group by size, step, layer
)

select
    trends.size,
    trends.step,
    trends.layer,
    trends.n_features,
    sums.n_features as n_features_summed
from trends
left join sums using (size, step, layer)
where trends.population = 'alive' and trends.n_features is distinct from sums.n_features
