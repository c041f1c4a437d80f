-- Check:   Every match of two features has one row
-- Why:     A pair of cells with two versions of its rows was matched from different codes.
-- Guards:  grain of feature_matches: a pair of cells, feature, feature_to
-- Grain:   size, step, layer, seed_to, size_to, step_to, layer_to, feature, feature_to
-- Reads:   feature_matches
select
    size,
    step,
    layer,
    seed_to,
    size_to,
    step_to,
    layer_to,
    feature,
    feature_to,
    count(*) as n_rows
from feature_matches
group by all
having count(*) > 1
