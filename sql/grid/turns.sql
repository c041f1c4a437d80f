-- Title:   At which step is each size least mixed, on each half of the text?
-- Grain:   size, measure, chosen_on
-- Reads:   eval_size, grid_cells
-- Paper:   figure 3: features are mixed, then of one language, then mixed again
-- The middle layer, trained steps, alive features; of equal shares the earliest. The lowest
-- of many shares is partly low by luck, so its value is measured on the other half.
with halves as (
    select
        eval_size.size,
        eval_size.step,
        eval_size.layer,
        eval_size.documents,
        eval_size.mixed_share,
        eval_size.mixed_share_exclusive
    from eval_size
    inner join grid_cells as grid using (size, step, layer)
    where
        grid.is_middle
        and grid.tokens_seen > 0
        and eval_size.documents in ('half', 'other half')
        and eval_size.population = 'alive'
),

listed as (
    select
        halves.size,
        halves.step,
        halves.layer,
        halves.documents,
        item.measure,
        item.share
    from halves
    cross join lateral (
        values
        ('mixed_share', mixed_share),
        ('mixed_share_exclusive', mixed_share_exclusive)
    ) as item (measure, share)
)

select
    size,
    layer,
    measure,
    documents as chosen_on,
    if(documents = 'half', 'other half', 'half') as measured_on,
    min(step) as step_first,
    arg_min(step, (share, step)) as step_turn,
    max(step) as step_last
from listed
where share is not null
group by size, layer, measure, documents
