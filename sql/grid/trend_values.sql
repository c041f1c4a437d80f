-- Title:   Every number of a trend, one per row
-- Grain:   size, step, layer, population, name
-- Reads:   trend_intervals, trend_languages
-- Shares and means under their names in `trends`, and the share of each language.
select
    size,
    step,
    layer,
    population,
    name,
    value,
    low,
    high
from trend_intervals
union all
select
    size,
    step,
    layer,
    population,
    concat('share of ', language) as name,
    share as value,
    share_low as low,
    share_high as high
from trend_languages
where language <> 'mixed'
