-- Title:   How much too narrow are intervals over features alone?
-- Grain:   name; alive features of the cells with replicates
-- Reads:   uncertainty
-- A trend's design effect is its variance over documents over that over features alone.
select
    name,
    count(design_effect) as n_cells,
    count(*) filter (where design_effect > 1) as n_too_narrow,
    median(design_effect) as median_design_effect,
    max(design_effect) as largest_design_effect
from uncertainty
where population = 'alive'
group by name
having count(design_effect) > 0
order by name
