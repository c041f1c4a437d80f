-- Check:   The antipode of a dense feature is another feature of its cell
-- Why:     Antipodal pairs are read from these cosines.
-- Guards:  antipode; antipodal_cosine: of unit vectors
-- Grain:   size, step, layer, feature
-- Reads:   antipodes, cells
select
    antipodes.size,
    antipodes.step,
    antipodes.layer,
    antipodes.feature,
    antipodes.antipode,
    antipodes.antipodal_cosine
from antipodes
inner join cells using (size, step, layer)
where
    (
        antipodes.antipode <> antipodes.feature
        and antipodes.antipode between 0 and cells.n_features - 1
        and abs(antipodes.antipodal_cosine) < 1.001
    ) is not true
