-- Title:   How many features of the last step are of each origin, really, under the null, by seeds?
-- Grain:   kind, size, layer, step, last_class, origin; every origin has a row
-- Reads:   feature_origins
with origins as (
    select unnest(
        ['monolingual', 'mixed', 'polysemantic', 'partial', 'unclear', 'unmatched']
    ) as origin
),

counts as (
    select
        kind,
        size,
        layer,
        step,
        last_class,
        origin,
        count(*) as n,
        count(*) filter (where best_state = 'monolingual') as n_best_monolingual
    from feature_origins
    group by kind, size, layer, step, last_class, origin
),

totals as (
    select
        kind,
        size,
        layer,
        step,
        last_class,
        sum(n)::bigint as n_features
    from counts
    group by kind, size, layer, step, last_class
)

select
    totals.kind,
    totals.size,
    totals.layer,
    totals.step,
    totals.last_class,
    origins.origin,
    totals.n_features,
    coalesce(counts.n, 0) as n,
    coalesce(counts.n, 0) / totals.n_features as share,
    counts.n_best_monolingual / counts.n as share_best_monolingual
from totals
cross join origins
left join counts using (kind, size, layer, step, last_class, origin)
