-- Title:   Trends whose mixed share is not that of their features
-- Grain:   size, step, layer, population
-- Reads:   trends, cells, features
-- Counted afresh; in the population `all` a dead feature is mixed.
with alive as (
    select
        size,
        step,
        layer,
        count(*) as n,
        count(*) filter (where language = 'mixed') as n_mixed,
        count(*) filter (where supported) as n_supported,
        count(*) filter (where supported and language = 'mixed') as n_mixed_supported
    from features
    group by size, step, layer
),

counted as (
    select
        cells.size,
        cells.step,
        cells.layer,
        unnest(['all', 'alive', 'supported']) as population,
        unnest([
            (alive.n_mixed + cells.n_dead) / (alive.n + cells.n_dead),
            alive.n_mixed / alive.n,
            alive.n_mixed_supported / nullif(alive.n_supported, 0)
        ]) as mixed_share
    from cells
    inner join alive using (size, step, layer)
)

select
    trends.size,
    trends.step,
    trends.layer,
    trends.population,
    trends.mixed_share,
    counted.mixed_share as mixed_share_counted
from trends
inner join counted using (size, step, layer, population)
where
    coalesce(abs(trends.mixed_share - counted.mixed_share) > 1e-12, false)
    or (trends.mixed_share is null) <> (counted.mixed_share is null)
