-- Check:   Every effect is the difference of two perplexities
-- Why:     Tables 1 and 4 show it.
-- Guards:  difference = perplexity - baseline
-- Grain:   size, step, layer, full_step, control, added, alpha, m, scale_back, b_pre,
--          language
-- Reads:   intervention_effects
select
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
    language,
    perplexity,
    baseline,
    difference
from intervention_effects
where (abs(difference - (perplexity - baseline)) <= 1e-9 * perplexity) is not true
