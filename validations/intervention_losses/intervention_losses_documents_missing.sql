-- Check:   Every setting is measured once on every document
-- Why:     The bootstrap is paired: it draws the same documents for every setting.
-- Guards:  grain of intervention_losses: one setting and document
-- Grain:   size, step, layer, full_step, control, added, alpha, m, draw, scale_back, b_pre
-- Reads:   intervention_losses
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
        count(*) as n_rows,
        count(distinct document) as n_documents
    from intervention_losses
    group by all
),

counted as (
    select
        *,
        max(n_documents) over (partition by size, step, layer, full_step) as n_most
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
    n_rows,
    n_documents,
    n_most
from counted
where n_rows <> n_most or n_documents <> n_most
