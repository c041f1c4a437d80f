-- Title:   Do trends depend on the number of documents in which features fire?
-- Grain:   size, step, layer, n_documents_low; every bin has a row
-- Reads:   cells, support_sums
-- Alive features, by the number of documents they fire in. Wilson's score interval, over
-- features alone. A trend that only the first bins show is one of features that hardly fire.
with bins as (
    select
        low,
        high
    from (
        values (1, 1), (2, 2), (3, 4), (5, 9), (10, 19), (20, 49), (50, null)
    ) as listed (low, high)
),

binned as (
    select
        cells.size,
        cells.step,
        cells.layer,
        bins.low,
        bins.high,
        coalesce(sum(sums.n), 0)::bigint as n_features,
        sum(sums.n)::double as n,
        sum(sums.n_mixed) / sum(sums.n) as p,
        sum(sums.n_mixed_null) / sum(sums.n) as p_null,
        sum(sums.n_mixed_paired) / nullif(sum(sums.n_exclusive), 0) as p_paired,
        sum(sums.n_mixed_exclusive) / nullif(sum(sums.n_exclusive), 0) as p_exclusive,
        sum(sums.monosemanticity)::double / sum(sums.n) as mono,
        sum(sums.monosemanticity_null)::double
        / nullif(sum(sums.n_monosemanticity_null), 0) as mono_null
    from cells
    cross join bins
    left join support_sums as sums
        on
            cells.size = sums.size
            and cells.step = sums.step
            and cells.layer = sums.layer
            and sums.n_documents between bins.low and coalesce(bins.high, bins.low)
    group by cells.size, cells.step, cells.layer, bins.low, bins.high
)

select
    size,
    step,
    layer,
    low as n_documents_low,
    high as n_documents_high,
    n_features,
    n_features
    / nullif(sum(n_features) over (partition by size, step, layer), 0) as share_of_features,
    p as mixed_share,
    wilson_low(p, n) as mixed_share_low,
    wilson_high(p, n) as mixed_share_high,
    p_null as mixed_share_null,
    p_paired as mixed_share_paired,
    p_exclusive as mixed_share_exclusive,
    mono as monosemanticity,
    mono_null as monosemanticity_null
from binned
