-- Title:   Sums over each population of features, in a resampled text
-- Grain:   replicate, population, language; every class has a row
-- Reads:   cells, classes, draws, drawn_sums, populations
-- In `all`, features that fire nowhere in the resampled text are dead there and count as
-- mixed: n summed over the classes is the cell's number of features in every replicate.
with sums as (
    select
        draws.seed,
        draws.replicate,
        populations.population,
        populations.counts_dead,
        classes.language,
        any_value(cells.n_features) as n_features,
        coalesce(sum(drawn.n), 0) as n_alive,
        sum(drawn.n_exclusive) as n_exclusive,
        sum(drawn.n_mixed_exclusive) as n_mixed_exclusive,
        sum(drawn.n_single_token) as n_single_token,
        sum(drawn.monosemanticity) as monosemanticity,
        sum(drawn.token_entropy) as token_entropy,
        sum(drawn.semantic_entropy) as semantic_entropy,
        sum(drawn.mean_span) as mean_span
    from draws
    cross join populations
    cross join cells
    cross join classes
    left join drawn_sums as drawn
        on
            draws.replicate = drawn.replicate
            and classes.language = drawn.language
            and (drawn.supported or populations.counts_unsupported)
    group by
        draws.seed,
        draws.replicate,
        populations.population,
        populations.counts_dead,
        classes.language
)

select
    seed,
    replicate,
    population,
    language,
    n_alive,
    n_alive + if(
        language = 'mixed' and counts_dead,
        n_features - sum(n_alive) over (partition by seed, replicate, population),
        0
    ) as n,
    n_exclusive,
    n_mixed_exclusive,
    n_single_token,
    monosemanticity,
    token_entropy,
    semantic_entropy,
    mean_span
from sums
