-- Check:   Every exported cell, population and class has one row in `trend_languages`
-- Why:     A class without features is a zero, not a gap.
-- Guards:  grain of trend_languages: one cell, population and class
-- Grain:   size, step, layer, population, language
-- Reads:   cells, classes, populations, trend_languages
with listed as (
    select
        size,
        step,
        layer,
        population,
        language,
        0 as n_wanted,
        1 as n_rows
    from trend_languages
    union all
    select
        cells.size,
        cells.step,
        cells.layer,
        populations.population,
        classes.language,
        1 as n_wanted,
        0 as n_rows
    from cells
    cross join populations
    cross join classes
)

select
    size,
    step,
    layer,
    population,
    language,
    sum(n_wanted) as n_wanted,
    sum(n_rows) as n_rows
from listed
group by size, step, layer, population, language
having sum(n_wanted) <> sum(n_rows)
