-- Title:   How uncertain is a change of perplexity, given the documents and the draws?
-- Grain:   full_step, control, added, alpha, m, scale_back, b_pre, language; or `all`
-- Reads:   arms, models, steering_differences
-- 95 % intervals of means over draws. difference: from no steering; difference_none: from
-- b_pre alone. None where only one of several possible draws was measured.
with bounds as (
    select
        *,
        estimate - half as low,
        estimate + half as high
    from steering_differences
    where measure = 'perplexity' and reference in ('baseline', 'none')
)

select
    models.full_step,
    arms.control,
    arms.added,
    arms.alpha,
    arms.m,
    arms.scale_back,
    models.b_pre,
    bounds.language,
    any_value(bounds.low) filter (where bounds.reference = 'baseline') as difference_low,
    any_value(bounds.high) filter (where bounds.reference = 'baseline') as difference_high,
    any_value(bounds.low) filter (where bounds.reference = 'none') as difference_none_low,
    any_value(bounds.high) filter (where bounds.reference = 'none')
        as difference_none_high
from bounds
inner join arms using (arm)
cross join models
group by
    models.full_step,
    arms.control,
    arms.added,
    arms.alpha,
    arms.m,
    arms.scale_back,
    models.b_pre,
    bounds.language
