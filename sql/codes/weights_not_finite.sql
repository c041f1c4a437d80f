-- Title:   Weights with numbers that are not finite
-- Grain:   name
-- Reads:   cell_arrays
select
    name,
    n_not_finite
from cell_arrays
where n_not_finite > 0
