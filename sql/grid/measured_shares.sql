-- Title:   How mixed is each cell, on all of the text and on each half of it?
-- Grain:   size, step, layer, measure, documents
-- Reads:   trends, eval_size, cells
-- Alive features.
with alive as (
    select
        size,
        step,
        layer,
        'all' as documents,
        n_features,
        mixed_share,
        mixed_share_low,
        mixed_share_high,
        mixed_share_exclusive,
        mixed_share_exclusive_low,
        mixed_share_exclusive_high
    from trends
    where population = 'alive'
    union all
    select
        size,
        step,
        layer,
        documents,
        n_features,
        mixed_share,
        mixed_share_low,
        mixed_share_high,
        mixed_share_exclusive,
        mixed_share_exclusive_low,
        mixed_share_exclusive_high
    from eval_size
    where population = 'alive' and documents in ('half', 'other half')
)

select
    alive.size,
    alive.step,
    alive.layer,
    item.measure,
    alive.documents,
    item.share,
    item.share_low,
    item.share_high,
    alive.n_features as n_alive,
    cells.fvu
from alive
inner join cells using (size, step, layer)
cross join lateral (
    values
    ('mixed_share', mixed_share, mixed_share_low, mixed_share_high),
    (
        'mixed_share_exclusive',
        mixed_share_exclusive,
        mixed_share_exclusive_low,
        mixed_share_exclusive_high
    )
) as item (measure, share, share_low, share_high)
