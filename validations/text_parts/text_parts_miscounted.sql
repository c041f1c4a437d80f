-- Check:   The even and the odd features of a part add up to all of them
-- Why:     The turn is chosen on one half of the features and measured on the other.
-- Guards:  grain of text_parts: one cell, part and half of the features
-- Grain:   size, step, layer, documents
-- Reads:   text_parts
select
    size,
    step,
    layer,
    documents,
    count(*) as n_rows,
    sum(if(features = 'all', 1, -1) * n_features) as n_features_off,
    sum(if(features = 'all', 1, -1) * n_mixed) as n_mixed_off,
    sum(if(features = 'all', 1, -1) * n_exclusive) as n_exclusive_off,
    sum(if(features = 'all', 1, -1) * n_mixed_exclusive) as n_mixed_exclusive_off
from text_parts
group by size, step, layer, documents
having
    count(*) <> 3
    or sum(if(features = 'all', 1, -1) * n_features) <> 0
    or sum(if(features = 'all', 1, -1) * n_mixed) <> 0
    or sum(if(features = 'all', 1, -1) * n_exclusive) <> 0
    or sum(if(features = 'all', 1, -1) * n_mixed_exclusive) <> 0
    or bool_or(n_mixed > n_features)
    or bool_or(n_mixed_exclusive > n_exclusive)
