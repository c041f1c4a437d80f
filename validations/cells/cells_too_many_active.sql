-- Check:   A TopK cell has no more than k active features per token
-- Why:     More would mean that the codes are not TopK codes.
-- Guards:  equation 1: TopK
-- Grain:   size, step, layer
-- Reads:   cells
-- A ReLU autoencoder may have any number of active features; it stores k of them.
select
    size,
    step,
    layer,
    k,
    l0
from cells
where architecture = 'topk' and l0 > k
