-- Check:   Every supported feature of two matched cells has one row, and one for the null
-- Why:     A feature without a row would be neither matched nor unmatched.
-- Guards:  grain of matched_features: a pair of cells, is_permuted, is_to, feature
-- Grain:   size, step, layer, seed_to, size_to, step_to, layer_to, is_permuted, is_to
-- Reads:   matched_features, features
-- Of the first cell; the second may be in another store.
with supported as (
    select
        size,
        step,
        layer,
        count(*) as n_supported
    from features
    where supported
    group by size, step, layer
),

counted as (
    select
        size,
        step,
        layer,
        seed_to,
        size_to,
        step_to,
        layer_to,
        is_permuted,
        is_to,
        count(*) as n_rows,
        count(distinct feature) as n_features
    from matched_features
    group by all
)

select
    counted.size,
    counted.step,
    counted.layer,
    counted.seed_to,
    counted.size_to,
    counted.step_to,
    counted.layer_to,
    counted.is_permuted,
    counted.is_to,
    counted.n_rows,
    counted.n_features,
    supported.n_supported
from counted
left join supported using (size, step, layer)
where
    counted.n_rows <> counted.n_features
    or not counted.is_to and counted.n_rows is distinct from supported.n_supported
