-- Check:   The weights of every test sum to zero
-- Why:     Where all shares are equal, the estimate of a test must be 0.
-- Guards:  a test is the sum of weight x share
-- Grain:   finding, comparison, of_size, measure, documents, features
-- Reads:   contrasts
select
    finding,
    comparison,
    of_size,
    measure,
    documents,
    features,
    count(*) as n_cells,
    fsum(weight) as weights
from contrasts
group by finding, comparison, of_size, measure, documents, features
having (abs(fsum(weight)) <= 1e-9) is not true
