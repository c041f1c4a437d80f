-- Title:   What share of a cell's features is in each language class?
-- Grain:   size, step, layer, population, language; every class has a row
-- Reads:   class_counts
-- Paper:   figure 3a; Wilson's score interval, over features alone
-- share_exclusive: the same by firings on exclusive tokens, of features with enough of them.
with shares as (
    select
        size,
        step,
        layer,
        population,
        language,
        n_features,
        nullif(sum(n_features) over cell, 0)::double as n,
        n_features / n as share,
        nullif(sum(n_exclusive) over cell, 0)::double as m,
        n_exclusive / m as share_exclusive
    from class_counts
    window cell as (partition by size, step, layer, population)
)

select
    size,
    step,
    layer,
    population,
    language,
    n_features,
    share,
    wilson_low(share, n) as share_low,
    wilson_high(share, n) as share_high,
    share_exclusive,
    wilson_low(share_exclusive, m) as share_exclusive_low,
    wilson_high(share_exclusive, m) as share_exclusive_high
from shares
