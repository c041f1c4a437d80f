-- Title:   How many matched features change their class between two cells?
-- Grain:   size, step, layer, size_to, step_to, layer_to
-- Reads:   feature_events, fates
-- A change is sure: both classes are (`language_sure`), and they differ. share_seeds: the share
-- that has another class for another seed of the same cell, by chance therefore; excess: the
-- share less that.
with seeds as (
    select
        own_cell,
        count(*) filter (where language_sure <> best_language_sure) as n_changed,
        count(*) filter (
            where language_sure is not null and best_language_sure is not null
        ) as n_sure
    from fates
    where kind = 'seeds' and own_cell = other_cell and fate = 'match'
    group by own_cell
),

changes as (
    select
        size,
        step,
        layer,
        size_to,
        step_to,
        layer_to,
        own_cell,
        count(*) as n_matched,
        count(*) filter (
            where language_sure is not null and best_language_sure is not null
        ) as n_sure,
        count(*) filter (where language_sure <> best_language_sure) as n_changed,
        count(*) filter (
            where language_sure <> 'mixed' and best_language_sure = 'mixed'
        ) as n_became_mixed,
        count(*) filter (
            where language_sure = 'mixed' and best_language_sure <> 'mixed'
        ) as n_became_monolingual
    from feature_events
    where event = 'match' and not is_to
    group by size, step, layer, size_to, step_to, layer_to, own_cell
)

select
    changes.* exclude (own_cell),
    changes.n_changed / nullif(changes.n_sure, 0) as share,
    wilson_low(share, changes.n_sure) as share_low,
    wilson_high(share, changes.n_sure) as share_high,
    seeds.n_changed / nullif(seeds.n_sure, 0) as share_seeds,
    share - share_seeds as excess
from changes
left join seeds using (own_cell)
