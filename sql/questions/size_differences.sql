-- Title:   Which layers differ between sizes?
-- Grain:   size_small, size_large, layer_small, population, measure
-- Reads:   grid_cells, trend_intervals
-- Each size is compared with the next larger one at their last steps, each layer with the one
-- at the nearest relative depth (of two, the lower). Newcombe's 95 % interval, over features
-- alone; for means it is the normal interval. Differs: the interval excludes 0.
with sizes as (
    select
        size as size_small,
        lead(size) over (order by max(n_params), size) as size_large
    from grid_cells
    group by size
),

matched as (
    select
        sizes.size_small,
        sizes.size_large,
        small.step as step_small,
        small.layer as layer_small,
        any_value(large.step) as step_large,
        arg_min(large.layer, (
            round(abs(large.relative_depth - small.relative_depth), 9), large.layer
        )) as layer_large
    from grid_cells as small
    inner join sizes on small.size = sizes.size_small
    inner join grid_cells as large on sizes.size_large = large.size
    where small.is_last_step and large.is_last_step
    group by sizes.size_small, sizes.size_large, small.step, small.layer
)

select
    matched.size_small,
    matched.size_large,
    matched.step_small,
    matched.step_large,
    matched.layer_small,
    matched.layer_large,
    a.population,
    a.name as measure,
    a.value as value_small,
    b.value as value_large,
    b.value - a.value as difference,
    difference - sqrt(
        newcombe_below(1, b.value, b.low, b.high) + newcombe_below(-1, a.value, a.low, a.high)
    ) as difference_low,
    difference + sqrt(
        newcombe_above(1, b.value, b.low, b.high) + newcombe_above(-1, a.value, a.low, a.high)
    ) as difference_high,
    difference_low > 0 or difference_high < 0 as differs
from trend_intervals as a
inner join matched
    on
        a.size = matched.size_small
        and a.step = matched.step_small
        and a.layer = matched.layer_small
inner join trend_intervals as b
    on
        matched.size_large = b.size
        and matched.step_large = b.step
        and matched.layer_large = b.layer
        and a.population = b.population
        and a.name = b.name
