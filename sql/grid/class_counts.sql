-- Title:   How many of a cell's features are in each language class?
-- Grain:   size, step, layer, population, language; every class has a row
-- Reads:   cells, classes, features, populations
-- n_exclusive: the number in the class by firings on exclusive tokens, of features with
-- enough of them; a dead feature has none.
with counts as (
    select
        size,
        step,
        layer,
        language,
        language_exclusive,
        supported,
        count(*) as n
    from features
    group by size, step, layer, language, language_exclusive, supported
)

select
    cells.size,
    cells.step,
    cells.layer,
    populations.population,
    classes.language,
    coalesce(sum(counts.n) filter (where counts.language = classes.language), 0)::bigint
    + if(
        classes.language = 'mixed' and populations.counts_dead,
        any_value(cells.n_dead),
        0
    ) as n_features,
    coalesce(
        sum(counts.n) filter (where counts.language_exclusive = classes.language), 0
    )::bigint as n_exclusive
from cells
cross join populations
cross join classes
left join counts
    on
        cells.size = counts.size
        and cells.step = counts.step
        and cells.layer = counts.layer
        and (counts.supported or populations.counts_unsupported)
group by
    cells.size,
    cells.step,
    cells.layer,
    populations.population,
    populations.counts_dead,
    classes.language
