-- Title:   How much does each cell weigh in each test, on whatever it is measured?
-- Grain:   finding, comparison, of_size, measure, size, step, layer
-- Reads:   contrasts
-- A turn is measured on two halves of the documents and features: their weights are added.
select
    finding,
    comparison,
    of_size,
    measure,
    size,
    step,
    layer,
    fsum(weight) as weight
from contrasts
group by finding, comparison, of_size, measure, size, step, layer
