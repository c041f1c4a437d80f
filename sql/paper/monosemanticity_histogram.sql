-- Title:   How is monosemanticity distributed over features, and how does that change?
-- Grain:   size, step, bin_low; every bin has a row
-- Reads:   grid_cells, controls, features
-- Paper:   figure 3b, for every size; equation 6
-- Each size's middle layer; alive features. Twenty bins over 0 to 1, the last one
-- closed; a feature with one token is 1 by definition.
with counts as (
    select
        size,
        step,
        layer,
        least(floor(monosemanticity * 20), 19)::integer as twentieth,
        count(*) as n
    from features
    group by size, step, layer, twentieth
),

totals as (
    select
        size,
        step,
        layer,
        sum(n) as n
    from counts
    group by size, step, layer
),

shares as (
    select
        totals.size,
        totals.step,
        totals.layer,
        bins.twentieth,
        coalesce(counts.n, 0) as n,
        coalesce(counts.n, 0) / totals.n as share
    from totals
    cross join range(20) as bins (twentieth)
    left join counts using (size, step, layer, twentieth)
),

in_controls as (
    select
        controls.of_size as size,
        controls.of_step as step,
        controls.layer,
        shares.twentieth,
        max(shares.share) filter (where controls.control = 'random decoder') as random_decoder,
        max(shares.share) filter (where controls.control = 'shuffled weights')
            as shuffled_weights,
        max(shares.share) filter (where controls.control = 'random tokens') as random_tokens
    from shares
    inner join controls using (size, step, layer)
    where controls.control <> 'untrained'
    group by all
)

select
    grid.size,
    grid.step,
    grid.layer,
    grid.n_params,
    grid.tokens_seen,
    bins.twentieth / 20 as bin_low,
    (bins.twentieth + 1) / 20 as bin_high,
    coalesce(shares.n, 0) as n_features,
    shares.share as share_of_features,
    in_controls.random_decoder as share_of_features_random_decoder,
    in_controls.shuffled_weights as share_of_features_shuffled_weights,
    in_controls.random_tokens as share_of_features_random_tokens
from grid_cells as grid
cross join range(20) as bins (twentieth)
left join shares using (size, step, layer, twentieth)
left join in_controls using (size, step, layer, twentieth)
where grid.is_middle
order by grid.n_params, grid.size, grid.step, bins.twentieth
