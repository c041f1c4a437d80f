-- Check:   Mixed features are compared once with each other class and with random features
-- Why:     A comparison that is missing may be the one that speaks against the claim.
-- Guards:  grain of intervention_contrasts
-- Grain:   size, step, layer, full_step, control, reference, alpha, m, scale_back, b_pre,
--          language
-- Reads:   intervention_contrasts, interventions
with settings as (
    select distinct
        size,
        step,
        layer,
        full_step,
        control,
        added,
        alpha,
        m,
        scale_back,
        b_pre,
        language
    from interventions
),

expected as (
    select
        mixed.* exclude (added),
        classes.added as reference,
        2 as n_measures,
        0 as n_rows
    from settings as mixed
    inner join settings as classes
        using (size, step, layer, full_step, control, alpha, m, scale_back, b_pre, language)
    where
        mixed.added = 'mixed'
        and classes.added not in ('mixed', 'none', 'reconstruction', 'random_directions')
),

listed as (
    select *
    from expected
    union all by name
    select
        size,
        step,
        layer,
        full_step,
        control,
        reference,
        alpha,
        m,
        scale_back,
        b_pre,
        language,
        0 as n_measures,
        1 as n_rows
    from intervention_contrasts
)

select
    size,
    step,
    layer,
    full_step,
    control,
    reference,
    alpha,
    m,
    scale_back,
    b_pre,
    language,
    sum(n_measures) as n_measures,
    sum(n_rows) as n_rows
from listed
group by all
having sum(n_measures) <> sum(n_rows)
