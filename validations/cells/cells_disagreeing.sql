-- Title:   In which cells do `features` and `feature_languages` disagree?
-- Grain:   about, size, step, layer
-- Reads:   features_counted, feature_languages_counted
-- Compared by weighted sums over each cell; the checks then compare feature by feature. Only
-- the first three cells of each kind, so that little has to be read.
with features as (
    select
        size,
        step,
        layer,
        sum(weights) as weights,
        sum(firings) as firings
    from features_counted
    group by size, step, layer
),

languages as (
    select
        size,
        step,
        layer,
        sum(firings) as firings,
        sum(shares) as shares
    from feature_languages_counted
    group by size, step, layer
),

compared as (
    select
        size,
        step,
        layer,
        (features.firings is distinct from languages.firings) as in_sums,
        (abs(languages.shares / features.weights - 1) <= 2e-15) is not true as in_shares
    from features
    full join languages using (size, step, layer)
)

select
    about,
    size,
    step,
    layer
from compared
cross join
    lateral (values ('sums', in_sums), ('shares', in_shares)) as item (about, differs)
where differs
qualify row_number() over (partition by about order by size, step, layer) <= 3
