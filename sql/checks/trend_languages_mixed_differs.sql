-- Title:   Cells and populations whose mixed share is another one in `trends`
-- Grain:   size, step, layer, population
-- Reads:   trend_languages, trends
select
    classes.size,
    classes.step,
    classes.layer,
    classes.population,
    classes.share,
    trends.mixed_share
from trend_languages as classes
inner join trends using (size, step, layer, population)
where
    classes.language = 'mixed'
    and (
        coalesce(abs(classes.share - trends.mixed_share) > 1e-12, false)
        or (classes.share is null) <> (trends.mixed_share is null)
    )
