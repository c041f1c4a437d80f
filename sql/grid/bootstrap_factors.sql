-- Title:   By how much is the bootstrap over documents too narrow?
-- Grain:   population, name
-- Reads:   replicate_spread, half_differences
-- A replicate keeps the features' maxima, and with them which activations fire; another text
-- has other maxima. The factor is the root of the variance that the halves of the text
-- show over that of the replicates, both summed over all cells with replicates, and at least
-- 1. From few cells it is rough.
select
    spread.population,
    spread.name,
    count(*) as n_cells,
    greatest(
        1,
        sqrt(
            sum((
                halves.difference ^ 2 / if(halves.name like '%share%', 2 * sqrt(2), 4)
            )::decimal(38, 25))::double
            / nullif(sum((spread.standard_deviation ^ 2)::decimal(38, 25))::double, 0)
        )
    ) as factor
from replicate_spread as spread
inner join half_differences as halves using (size, step, layer, population, name)
where spread.standard_deviation is not null and halves.difference is not null
group by spread.population, spread.name
