-- Title:   Every share and mean of a trend, by its name
-- Grain:   size, step, layer, population
-- Reads:   trend_intervals
-- item['mixed_share'].low is the lower end of the mixed share's interval, and so on.
select
    size,
    step,
    layer,
    population,
    map_from_entries(
        list((name, struct_pack(value := value, low := low, high := high)))
    ) as item
from trend_intervals
group by size, step, layer, population
