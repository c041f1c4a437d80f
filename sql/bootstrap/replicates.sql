-- Title:   What are the trends of texts resampled by document?
-- Grain:   size, step, layer, population, replicate, name
-- Reads:   drawn_populations
-- A feature that does not fire in a resampled text is dead there: in `all` it counts as mixed,
-- in the other populations it is left out. Left out are also the trends `mixed_share_null`,
-- whose permutation is drawn once, and `mean_span_active` and `monosemanticity_null`, which
-- firings do not determine. `mixed_share`: the class mixed.
with drawn as materialized (
    select *
    from drawn_populations
),

sums as (
    select
        seed,
        replicate,
        population,
        sum(n_alive) as n_alive,
        sum(n_exclusive) as n_exclusive,
        sum(n_mixed_exclusive) as n_mixed_exclusive,
        sum(n_single_token) as n_single_token,
        sum(monosemanticity)::double as monosemanticity,
        sum(token_entropy)::double as token_entropy,
        sum(semantic_entropy)::double as semantic_entropy,
        sum(mean_span)::double as mean_span
    from drawn
    group by seed, replicate, population
),

shares as (
    select
        seed,
        replicate,
        population,
        if(language = 'mixed', 'mixed_share', concat('share of ', language)) as name,
        n::double as total,
        sum(n) over (partition by replicate, population) as n
    from drawn
),

measured as (
    select
        sums.seed,
        sums.replicate,
        sums.population,
        item.name,
        item.total::double as total,
        item.n
    from sums
    cross join lateral (
        values
        ('mixed_share_exclusive', n_mixed_exclusive, n_exclusive),
        ('single_token_share', n_single_token, n_alive),
        ('monosemanticity', monosemanticity, n_alive),
        ('token_entropy', token_entropy, n_alive),
        ('semantic_entropy', semantic_entropy, n_alive),
        ('mean_span', mean_span, n_alive)
    ) as item (name, total, n)
),

listed as (
    select * from measured
    union all
    select * from shares
)

select
    seed,
    replicate,
    population,
    name,
    total / nullif(n, 0)::double as value
from listed
