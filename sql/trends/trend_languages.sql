-- Title:   What share of a cell's features is in each language class?
-- Grain:   size, step, layer, population, language; every class has a row
-- Reads:   class_counts
-- Paper:   figure 3a; Wilson's score interval, over features alone
with shares as (
    select
        size,
        step,
        layer,
        population,
        language,
        n_features,
        1.959964 as z,
        nullif(sum(n_features) over cell, 0)::double as n,
        n_features / nullif(sum(n_features) over cell, 0) as share
    from class_counts
    window cell as (partition by size, step, layer, population)
),

centred as (
    select
        size,
        step,
        layer,
        population,
        language,
        n_features,
        share,
        (share + z ^ 2 / (2 * n)) / (1 + z ^ 2 / n) as centre,
        z * sqrt(share * (1 - share) / n + z ^ 2 / (4 * n ^ 2)) / (1 + z ^ 2 / n)
            as half
    from shares
)

select
    size,
    step,
    layer,
    population,
    language,
    n_features,
    share,
    centre - half as share_low,
    centre + half as share_high
from centred
