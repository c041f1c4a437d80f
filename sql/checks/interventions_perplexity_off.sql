-- Title:   Perplexities that are not finite and above one
-- Grain:   size, step, layer, full_step, control, added, alpha, m, draw, scale_back, b_pre,
--          language
-- Reads:   interventions
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
    language,
    perplexity,
    baseline
from interventions
where
    (
        isfinite(perplexity)
        and perplexity > 1
        and isfinite(baseline)
        and baseline > 1
    ) is not true
