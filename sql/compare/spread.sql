-- Title:   How much do trends vary between stores that differ only in their seed?
-- Grain:   size, step, layer, population, name
-- Reads:   store_trends
-- n_stores: stores with a value for the cell. A single store has no standard deviation.
with centred as (
    select
        *,
        sum(value::decimal(38, 15)) over same_trend::double
        / nullif(count(value) over same_trend, 0) as centre
    from store_trends
    window same_trend as (partition by size, step, layer, population, name)
)

select
    size,
    step,
    layer,
    population,
    name,
    count(value) as n_stores,
    any_value(centre) as mean,
    sqrt(
        sum(((value - centre) ^ 2)::decimal(38, 25))::double / nullif(count(value) - 1, 0)
    ) as standard_deviation,
    min(value) as lowest,
    max(value) as highest
from centred
group by size, step, layer, population, name
