-- Check:   Every setting translates every pair once
-- Why:     Scores of different texts cannot be compared.
-- Guards:  grain of translations: one setting, direction and pair
-- Grain:   size, step, layer, full_step, control, added, alpha, m, draw, scale_back, b_pre,
--          source_language, target_language
-- Reads:   translations
with counts as (
    select
        size,
        step,
        layer,
        full_step,
        control,
        added,
        alpha,
        m,
        draw,
        scale_back,
        b_pre,
        source_language,
        target_language,
        count(*) as n_rows,
        count(distinct pair) as n_pairs
    from translations
    group by all
),

counted as (
    select
        *,
        max(n_pairs) over (
            partition by size, step, layer, full_step, source_language, target_language
        ) as n_most
    from counts
)

select
    size,
    step,
    layer,
    full_step,
    control,
    added,
    alpha,
    m,
    draw,
    scale_back,
    b_pre,
    source_language,
    target_language,
    n_rows,
    n_pairs,
    n_most
from counted
where n_rows <> n_most or n_pairs <> n_most
