-- Title:   How often does each event happen to features between two cells?
-- Grain:   size, step, layer, size_to, step_to, layer_to, is_to, population, event
-- Reads:   labelled_events
-- Of the features of the first cell, or with is_to of the second. Wilson's interval, over
-- features alone. share_null: with documents permuted within their language; null
-- if no feature has an odd number (`fates`). share_seeds:
-- between two seeds of the features' own cell, which is the ceiling of matches and the floor
-- of all other events; null without another seed.
with counts as (
    select
        size,
        step,
        layer,
        size_to,
        step_to,
        layer_to,
        is_to,
        population,
        event,
        count(*) filter (where kind = 'own') as n,
        count(*) filter (where kind = 'null') as n_null,
        count(*) filter (where kind = 'seeds') as n_seeds
    from labelled_events
    group by all
),

totals as (
    select
        size,
        step,
        layer,
        size_to,
        step_to,
        layer_to,
        is_to,
        population,
        sum(n)::bigint as n_features,
        sum(n_null)::bigint as n_null,
        sum(n_seeds)::bigint as n_seeds
    from counts
    group by all
),

events as (
    select distinct event
    from counts
)

select
    totals.* exclude (n_null, n_seeds),
    events.event,
    coalesce(counts.n, 0) as n,
    coalesce(counts.n, 0) / totals.n_features as share,
    coalesce(counts.n_null, 0) / nullif(totals.n_null, 0) as share_null,
    if(totals.n_seeds = 0, null, coalesce(counts.n_seeds, 0) / totals.n_seeds)
        as share_seeds,
    wilson_low(share, totals.n_features) as share_low,
    wilson_high(share, totals.n_features) as share_high
from totals
cross join events
left join counts
    using (size, step, layer, size_to, step_to, layer_to, is_to, population, event)
