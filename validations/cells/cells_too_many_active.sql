-- Check:   A TopK cell has no more than K active features per token
-- Why:     More would mean that the codes are not TopK codes.
-- Guards:  equation 1: TopK
-- Grain:   size, step, layer
-- Reads:   cells
-- A ReLU autoencoder may have any number of active features; it stores k of them. An imported
-- TopK autoencoder has a K of its own, top_k.
select
    size,
    step,
    layer,
    k,
    top_k,
    l0
from cells
where architecture = 'topk' and l0 > coalesce(top_k, k)
