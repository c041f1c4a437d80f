-- Title:   What share of a cell's features is in each language class?
-- Grain:   size, step, layer, population, language; every class has a row
-- Reads:   features, cells, populations, settings
-- Paper:   figure 3a; Wilson's interval, over features alone
with classes as (
    select unnest(list_append(languages, 'mixed')) as language
    from settings
),

counts as (
    select
        size,
        step,
        layer,
        language,
        supported,
        count(*) as n
    from features
    group by size, step, layer, language, supported
),

totals as (
    select
        cells.size,
        cells.step,
        cells.layer,
        populations.population,
        classes.language,
        coalesce(sum(counts.n), 0)::bigint
        + if(
            classes.language = 'mixed' and populations.counts_dead,
            any_value(cells.n_dead),
            0
        ) as n_features
    from cells
    cross join populations
    cross join classes
    left join counts
        on
            cells.size = counts.size
            and cells.step = counts.step
            and cells.layer = counts.layer
            and classes.language = counts.language
            and (counts.supported or populations.counts_unsupported)
    group by
        cells.size,
        cells.step,
        cells.layer,
        populations.population,
        populations.counts_dead,
        classes.language
),

shares as (
    select
        *,
        1.959964 as z,
        nullif(sum(n_features) over population, 0)::double as n,
        n_features / nullif(sum(n_features) over population, 0) as share
    from totals
    window population as (partition by size, step, layer, population)
)

select
    size,
    step,
    layer,
    population,
    language,
    n_features,
    share,
    (share + z ^ 2 / (2 * n) - z * sqrt(share * (1 - share) / n + z ^ 2 / (4 * n ^ 2)))
    / (1 + z ^ 2 / n) as share_low,
    (share + z ^ 2 / (2 * n) + z * sqrt(share * (1 - share) / n + z ^ 2 / (4 * n ^ 2)))
    / (1 + z ^ 2 / n) as share_high
from shares
