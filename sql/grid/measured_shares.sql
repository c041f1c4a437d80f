-- Title:   How mixed is each cell, on all of the text and on parts of it?
-- Grain:   size, step, layer, measure, documents, features
-- Reads:   trend_counts, text_parts
-- Alive features: all of them, the even or the odd ones. n is the number of features that
-- the share is of.
with counts as (
    select
        size,
        step,
        layer,
        'all' as documents,
        'all' as features,
        n::bigint as n_features,
        n_mixed::bigint as n_mixed,
        n_exclusive::bigint as n_exclusive,
        n_mixed_exclusive::bigint as n_mixed_exclusive
    from trend_counts
    where population = 'alive'
    union all
    select
        size,
        step,
        layer,
        documents,
        features,
        n_features,
        n_mixed,
        n_exclusive,
        n_mixed_exclusive
    from text_parts
)

select
    counts.size,
    counts.step,
    counts.layer,
    item.measure,
    counts.documents,
    counts.features,
    item.n_mixed / nullif(item.n, 0)::double as share,
    nullif(item.n, 0)::double as n
from counts
cross join lateral (
    values
    ('mixed_share', n_mixed, n_features),
    ('mixed_share_exclusive', n_mixed_exclusive, n_exclusive)
) as item (measure, n_mixed, n)
