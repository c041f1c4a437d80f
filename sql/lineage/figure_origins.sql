-- Title:   Do monolingual features become mixed, or are mixed ones born?
-- Grain:   size, step, last_class, origin
-- Reads:   origins, grid_cells
-- Middle layers.
select
    grid.size,
    grid.step,
    grid.layer,
    grid.n_params,
    grid.tokens_seen,
    grid.tokens_first,
    grid.tokens_drawn,
    origins.last_class,
    origins.origin,
    origins.n_features,
    origins.share,
    origins.share_low,
    origins.share_high,
    origins.share_null,
    origins.share_chance,
    origins.share_seeds
from origins
inner join grid_cells as grid using (size, step, layer)
where grid.is_middle
order by grid.n_params, grid.size, grid.step, origins.last_class, origins.origin
