-- Check:   The weights that are recorded are those of the cell's model
-- Why:     Otherwise they say nothing about the checkpoint that the cell was trained on.
-- Guards:  lm_fingerprint: the sha256 of all weights as loaded
-- Grain:   size, step
-- Reads:   cells, lm_weights
select distinct
    cells.size,
    cells.step,
    cells.lm_fingerprint,
    lm_weights.lm_fingerprint as of_weights
from cells
inner join lm_weights using (size, step, layer)
where cells.lm_fingerprint is distinct from lm_weights.lm_fingerprint
