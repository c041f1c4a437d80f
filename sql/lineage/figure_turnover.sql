-- Title:   How many features are found again at the next step?
-- Grain:   size, step, layer; the later of two neighbouring steps
-- Reads:   turnover, grid_cells
select
    grid.size,
    grid.step,
    grid.layer,
    grid.n_params,
    grid.tokens_seen,
    grid.tokens_first,
    grid.tokens_drawn,
    grid.relative_depth,
    turnover.matched,
    turnover.matched_null,
    turnover.matched_seeds,
    turnover.unmatched,
    turnover.unmatched_null,
    turnover.unmatched_seeds,
    turnover.per_log
from turnover
inner join grid_cells as grid
    on
        turnover.size = grid.size
        and turnover.step_to = grid.step
        and turnover.layer = grid.layer
order by grid.n_params, grid.size, grid.step, grid.layer
