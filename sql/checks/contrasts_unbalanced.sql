-- Title:   Tests whose weights do not sum to zero
-- Grain:   finding, comparison, of_size, measure, chosen_on
-- Reads:   contrasts
select
    finding,
    comparison,
    of_size,
    measure,
    chosen_on,
    count(*) as n_cells,
    fsum(weight) as weights
from contrasts
group by finding, comparison, of_size, measure, chosen_on
having (abs(fsum(weight)) <= 1e-9) is not true
