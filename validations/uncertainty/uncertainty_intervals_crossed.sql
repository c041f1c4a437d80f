-- Check:   Every trend lies in its interval over documents
-- Why:     The interval is centred on the estimate.
-- Guards:  estimate -/+ 1.96 standard deviations of the replicates
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
