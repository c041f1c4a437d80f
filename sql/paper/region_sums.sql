-- Title:   Sums over features, by region of layers
-- Grain:   size, step, region
-- Reads:   grid_cells, trend_sums
-- Regions are thirds of the layers. Alive features of all layers of a region.
select
    grid.size,
    grid.step,
    grid.region,
    any_value(grid.is_largest_size and grid.is_last_step) as is_on_slides,
    count(distinct grid.layer) as n_layers,
    min(grid.layer) as first_layer,
    max(grid.layer) as last_layer,
    sum(sums.n)::bigint as n_features,
    sum(sums.n)::double as n,
    sum(sums.n_mixed) / sum(sums.n) as mixed,
    sum(sums.n_mixed_null) / sum(sums.n) as mixed_null,
    nullif(sum(sums.n_exclusive), 0)::double as n_exclusive,
    sum(sums.n_mixed_paired) / nullif(sum(sums.n_exclusive), 0) as paired,
    sum(sums.n_mixed_exclusive) / nullif(sum(sums.n_exclusive), 0) as exclusive,
    sum(sums.monosemanticity)::double / sum(sums.n) as mono,
    sum(sums.monosemanticity_2)::double / sum(sums.n) as mono_2,
    sum(sums.monosemanticity_null)::double
    / nullif(sum(sums.n_monosemanticity_null), 0) as mono_null,
    sum(sums.mean_span)::double / sum(sums.n) as span,
    sum(sums.mean_span_2)::double / sum(sums.n) as span_2,
    sum(sums.mean_span_active)::double / sum(sums.n) as active,
    sum(sums.mean_span_active_2)::double / sum(sums.n) as active_2
from trend_sums as sums
inner join grid_cells as grid using (size, step, layer)
group by grid.size, grid.step, grid.region
