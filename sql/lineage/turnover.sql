-- Title:   How many features come and go between two steps, per logarithm of tokens?
-- Grain:   size, layer, step, step_to; neighbouring steps
-- Reads:   event_rates, cell_pairs, cells
-- The mean of the shares of features of either step that are unmatched in the other, confirmed
-- or not, and of those that are matched; per_log: unmatched, per natural logarithm of the
-- ratio of tokens. null: with documents permuted; seeds: between two seeds of the same cells.
with shares as (
    select
        size,
        step,
        layer,
        size_to,
        step_to,
        layer_to,
        is_to,
        sum(n) filter (where event = 'match') / max(n_features) as matched,
        max(share_null) filter (where event = 'match') as matched_null,
        max(share_seeds) filter (where event = 'match') as matched_seeds,
        sum(n) filter (where event in ('unmatched', 'death', 'birth')) / max(n_features)
            as unmatched,
        max(share_null) filter (where event = 'unmatched') as unmatched_null,
        max(share_seeds) filter (where event = 'unmatched') as unmatched_seeds
    from event_rates
    where population = 'supported'
    group by size, step, layer, size_to, step_to, layer_to, is_to
),

means as (
    select
        size,
        step,
        layer,
        step_to,
        avg(matched) as matched,
        avg(matched_null) as matched_null,
        avg(matched_seeds) as matched_seeds,
        avg(unmatched) as unmatched,
        avg(unmatched_null) as unmatched_null,
        avg(unmatched_seeds) as unmatched_seeds
    from shares
    inner join cell_pairs using (size, step, layer, size_to, step_to, layer_to)
    where cell_pairs.is_next_step
    group by size, step, layer, step_to
)

select
    means.*,
    means.unmatched / ln(later.tokens_seen / nullif(cells.tokens_seen, 0)) as per_log
from means
inner join cells using (size, step, layer)
inner join cells as later
    on
        means.size = later.size
        and means.step_to = later.step
        and means.layer = later.layer
