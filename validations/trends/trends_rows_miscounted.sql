-- Check:   Every exported cell and population has one row in `trends`
-- Why:     A cell that is missing or repeated distorts a curve unnoticed.
-- Guards:  grain of trends: one cell and population
-- Grain:   size, step, layer, population
-- Reads:   cells, populations, trends
with listed as (
    select
        cells.size,
        cells.step,
        cells.layer,
        populations.population,
        1 as n_wanted,
        0 as n_rows
    from cells
    cross join populations
    union all
    select
        size,
        step,
        layer,
        population,
        0 as n_wanted,
        1 as n_rows
    from trends
)

select
    size,
    step,
    layer,
    population,
    sum(n_wanted) as n_wanted,
    sum(n_rows) as n_rows
from listed
group by size, step, layer, population
having sum(n_wanted) <> sum(n_rows)
