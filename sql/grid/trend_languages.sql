-- Title:   What share of a cell's features is in each language class?
-- Grain:   size, step, layer, population, language; every class has a row
-- Reads:   class_counts
-- Paper:   figure 3a; Wilson's score interval, over features alone
-- share_exclusive: the same by firings on exclusive tokens, of features that have enough.
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
        n_features / n as share,
        nullif(sum(n_exclusive) over cell, 0)::double as m,
        n_exclusive / m as other
    from class_counts
    window cell as (partition by size, step, layer, population)
),

centred as (
    select
        *,
        (share + z ^ 2 / (2 * n)) / (1 + z ^ 2 / n) as centre,
        z * sqrt(share * (1 - share) / n + z ^ 2 / (4 * n ^ 2)) / (1 + z ^ 2 / n)
            as half,
        (other + z ^ 2 / (2 * m)) / (1 + z ^ 2 / m) as other_centre,
        z * sqrt(other * (1 - other) / m + z ^ 2 / (4 * m ^ 2)) / (1 + z ^ 2 / m)
            as other_half
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
    centre + half as share_high,
    other as share_exclusive,
    other_centre - other_half as share_exclusive_low,
    other_centre + other_half as share_exclusive_high
from centred
