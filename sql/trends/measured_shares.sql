-- Title:   How mixed is each cell, by all of the text and by each half?
-- Grain:   size, step, layer, measure, documents
-- Reads:   trends, eval_size, cells
-- Alive features.
with texts as (
    select
        'all' as documents,
        *
    from trends
    union all by name
    select *
    from eval_size
    where documents in ('half', 'other half')
),

alive as (
    select
        texts.*,
        cells.fvu as cell_fvu
    from texts
    inner join cells using (size, step, layer)
    where texts.population = 'alive'
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
    alive.cell_fvu as fvu
from alive
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
