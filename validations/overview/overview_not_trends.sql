-- Check:   Every row of the overview is one of the trends
-- Why:     It is what a reader sees first.
-- Guards:  population: alive features, middle layer
-- Grain:   size, step
-- Reads:   overview, trends
select
    overview.size,
    overview.step,
    overview.layer,
    count(*) as n_rows,
    count(trends.size) as n_trends
from overview
left join trends
    on
        overview.size = trends.size
        and overview.step = trends.step
        and overview.layer = trends.layer
        and overview.n_features = trends.n_features
        and overview.mixed_share is not distinct from trends.mixed_share
        and overview.monosemanticity is not distinct from trends.monosemanticity
        and trends.population = 'alive'
group by overview.size, overview.step, overview.layer
having count(*) <> 1 or count(trends.size) <> 1
