-- Check:   Every size has one middle layer and one last step
-- Why:     The figures and findings are about these cells.
-- Guards:  middle: the layer nearest to half of the blocks
-- Grain:   size
-- Reads:   grid_cells
select
    size,
    count(distinct layer) filter (where is_middle) as n_middle,
    count(distinct step) filter (where is_last_step) as n_last
from grid_cells
group by size
having
    count(distinct layer) filter (where is_middle) <> 1
    or count(distinct step) filter (where is_last_step) <> 1
