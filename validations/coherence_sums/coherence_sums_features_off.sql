-- Check:   Sums are of supported features among the alive ones, by every source
-- Why:     Trends of different features, or of fewer sources, are not comparable.
-- Guards:  n_features
-- Grain:   size, step, layer, source, token_set, kind
-- Reads:   coherence_sums, cells, bin_cosines
with counts as (
    select
        sums.size,
        sums.step,
        sums.layer,
        sums.source,
        sums.token_set,
        sums.kind,
        max(sums.n_features) filter (where sums.population = 'alive') as n_alive,
        max(sums.n_features) filter (where sums.population = 'supported') as n_supported
    from coherence_sums as sums
    group by all
),

measured as (
    select
        *,
        max(n_alive) over (partition by size, step, layer, token_set, kind) as n_most
    from counts
),

sources as (
    select distinct source
    from bin_cosines
)

select
    measured.size,
    measured.step,
    measured.layer,
    measured.source,
    measured.token_set,
    measured.kind,
    measured.n_alive,
    measured.n_supported,
    cells.n_features - cells.n_dead as n_alive_in_cell
from measured
inner join cells using (size, step, layer)
left join sources on measured.source = sources.source
where
    sources.source is null
    or measured.n_alive is distinct from measured.n_most
    or measured.n_supported > measured.n_alive
    or measured.n_alive > cells.n_features - cells.n_dead
