-- Check:   Every perplexity is finite and greater than one
-- Why:     A perplexity of one is certainty.
-- Guards:  perplexity = exp(nll / n_tokens)
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
