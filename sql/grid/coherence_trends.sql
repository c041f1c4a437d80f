-- Title:   Do features become coherent in meaning, within a language and across languages?
-- Grain:   size, step, layer, population, source, token_set, kind
-- Reads:   feature_coherence, populations, cells
-- All features have the same weight. Interval: normal, over features alone.
with sums as (
    select
        item.size,
        item.step,
        item.layer,
        populations.population,
        item.source,
        item.token_set,
        item.kind,
        count(*)::double as n,
        sum(item.coherence::decimal(18, 15))::double as coherence,
        sum(item.coherence_null::decimal(18, 15))::double as coherence_null,
        sum(item.excess::decimal(18, 15))::double as excess,
        sum((item.excess ^ 2)::decimal(18, 15))::double as excess_2
    from feature_coherence as item
    inner join populations
        on
            (item.supported or populations.counts_unsupported)
            and not populations.counts_dead
    group by all
),

means as (
    select
        *,
        excess / n as mean_excess,
        z_95() * sqrt(greatest(0, excess_2 - excess ^ 2 / n) / nullif(n - 1, 0) / n) as half
    from sums
)

select
    means.size,
    means.step,
    means.layer,
    means.population,
    means.source,
    means.token_set,
    means.kind,
    cells.tokens_seen,
    means.n::bigint as n_features,
    means.coherence / means.n as coherence,
    means.coherence_null / means.n as coherence_null,
    means.mean_excess as excess,
    means.mean_excess - means.half as excess_low,
    means.mean_excess + means.half as excess_high
from means
inner join cells using (size, step, layer)
