-- Title:   At which step is each size least mixed?
-- Grain:   size, measure, documents, features
-- Reads:   text_parts, grid_cells
-- Paper:   figure 3: features are mixed, then of one language, then mixed again
-- The middle layer's trained steps, but for the first and the last, which the turn is
-- compared with; of equal shares the earliest. The lowest of many shares is partly low by
-- luck, and features share it as well as documents do. So the turn is chosen on the even
-- features' firings in one half of the documents, and measured on the odd features' in the
-- other (`documents`, `features`); and once more with both exchanged.
with halves as (
    select
        parts.size,
        parts.step,
        parts.layer,
        parts.documents,
        parts.features,
        parts.n_mixed / nullif(parts.n_features, 0) as mixed_share,
        parts.n_mixed_exclusive / nullif(parts.n_exclusive, 0) as mixed_share_exclusive,
        first_value(parts.step) over of_size as step_first,
        last_value(parts.step) over of_size as step_last
    from text_parts as parts
    inner join grid_cells as grid using (size, step, layer)
    where
        grid.is_middle
        and grid.tokens_seen > 0
        and (parts.documents, parts.features) in (('half', 'even'), ('other half', 'odd'))
    window
        of_size as (
            partition by parts.size
            order by parts.step
            rows between unbounded preceding and unbounded following
        )
),

listed as (
    select
        halves.*,
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
    if(documents = 'half', 'other half', 'half') as documents,
    if(features = 'even', 'odd', 'even') as features,
    any_value(step_first) as step_first,
    arg_min(step, (share, step)) as step_turn,
    any_value(step_last) as step_last
from listed
where share is not null and step > step_first and step < step_last
group by size, layer, measure, listed.documents, listed.features
