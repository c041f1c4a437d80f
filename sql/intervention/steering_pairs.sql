-- Title:   Which settings are compared with which?
-- Grain:   control, added, alpha, m, scale_back, reference
-- Reads:   interventions
-- Every setting with no steering (`baseline`) and with b_pre alone (`none`); mixed features
-- with the features of every other class and with random ones, with the same control.
with settings as (
    select distinct
        control,
        added,
        alpha,
        m,
        scale_back
    from interventions
)

select
    control,
    added,
    alpha,
    m,
    scale_back,
    'baseline' as reference,
    'm' as reference_control,
    0::double as reference_alpha,
    0 as reference_m,
    false as reference_scale_back
from settings
union all
select
    control,
    added,
    alpha,
    m,
    scale_back,
    'none' as reference,
    'm' as reference_control,
    alpha as reference_alpha,
    0 as reference_m,
    scale_back as reference_scale_back
from settings
union all
select
    mixed.control,
    mixed.added,
    mixed.alpha,
    mixed.m,
    mixed.scale_back,
    classes.added as reference,
    mixed.control as reference_control,
    mixed.alpha as reference_alpha,
    mixed.m as reference_m,
    mixed.scale_back as reference_scale_back
from settings as mixed
inner join settings as classes using (control, alpha, m, scale_back)
where
    mixed.added = 'mixed'
    and classes.added not in ('mixed', 'none', 'reconstruction', 'random_directions')
