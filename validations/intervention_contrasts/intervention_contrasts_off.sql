-- Check:   Every contrast is the difference of two perplexities
-- Why:     A contrast of other settings answers another question.
-- Guards:  estimate = perplexity with mixed features - perplexity with the reference
-- Grain:   size, step, layer, full_step, control, comparison, alpha, m, scale_back, b_pre,
--          language, measure
-- Reads:   intervention_contrasts, intervention_effects
select
    contrasts.size,
    contrasts.step,
    contrasts.layer,
    contrasts.full_step,
    contrasts.control,
    contrasts.comparison,
    contrasts.alpha,
    contrasts.m,
    contrasts.scale_back,
    contrasts.b_pre,
    contrasts.language,
    contrasts.measure,
    contrasts.estimate,
    mixed.perplexity,
    reference.perplexity as perplexity_reference
from intervention_contrasts as contrasts
left join intervention_effects as mixed
    using (size, step, layer, full_step, control, alpha, m, scale_back, b_pre, language)
left join intervention_effects as reference
    on
        contrasts.size = reference.size
        and contrasts.step = reference.step
        and contrasts.layer = reference.layer
        and contrasts.full_step = reference.full_step
        and contrasts.control = reference.control
        and contrasts.reference = reference.added
        and contrasts.alpha = reference.alpha
        and contrasts.m = reference.m
        and contrasts.scale_back = reference.scale_back
        and contrasts.b_pre = reference.b_pre
        and contrasts.language = reference.language
where
    contrasts.measure = 'perplexity'
    and mixed.added = 'mixed'
    and (
        abs(contrasts.estimate - (mixed.perplexity - reference.perplexity))
        <= 1e-9 * mixed.perplexity
    ) is not true
