-- Title:   Trends that lie outside their interval over documents
-- Grain:   size, step, layer, population, name
-- Reads:   uncertainty
select
    size,
    step,
    layer,
    population,
    name,
    low,
    estimate,
    high
from uncertainty
where low > estimate or estimate > high
