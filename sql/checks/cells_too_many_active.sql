-- Title:   Which TopK cells have more active features a token than k?
-- Grain:   size, step, layer
-- Reads:   cells
-- A ReLU autoencoder has as many as it likes, and stores k of them.
select
    size,
    step,
    layer,
    k,
    l0
from cells
where architecture = 'topk' and l0 > k
