-- Title:   The trends of each size's middle layer, at a glance
-- Grain:   size, step
-- Reads:   trends, cells
-- Middle: half of the highest layer in the grid; population: alive features.
with middles as (
    select
        size,
        max(layer) // 2 as layer,
        max(n_params) as n_params
    from cells
    group by size
)

select
    trends.size,
    trends.step,
    trends.layer,
    trends.tokens_seen,
    trends.n_features,
    trends.n_dead,
    trends.mixed_share,
    trends.mixed_share_null,
    trends.mixed_share_exclusive,
    trends.monosemanticity,
    trends.monosemanticity_null,
    trends.mean_span,
    trends.fvu
from trends
inner join middles
    on trends.size = middles.size and trends.layer = greatest(middles.layer, 1)
where trends.population = 'alive'
order by middles.n_params, trends.size, trends.step
