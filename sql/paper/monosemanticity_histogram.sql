-- Title:   How is monosemanticity distributed over features, and how does that change?
-- Grain:   size, step, bin_low; every bin has a row
-- Reads:   grid_cells, features
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
)

select
    grid.size,
    grid.step,
    grid.layer,
    grid.n_params,
    grid.tokens_seen,
    bins.twentieth / 20 as bin_low,
    (bins.twentieth + 1) / 20 as bin_high,
    coalesce(counts.n, 0) as n_features,
    coalesce(counts.n, 0) / totals.n as share_of_features
from grid_cells as grid
cross join range(20) as bins (twentieth)
left join totals using (size, step, layer)
left join counts using (size, step, layer, twentieth)
where grid.is_middle
order by grid.n_params, grid.size, grid.step, bins.twentieth
