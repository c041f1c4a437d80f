-- Check:   Every perplexity follows from its losses
-- Why:     A mean of perplexities is another number.
-- Guards:  perplexity = exp(nll / n_tokens)
-- Grain:   size, step, layer, full_step, control, added, alpha, m, draw, scale_back, b_pre,
--          language
-- Reads:   interventions
-- Paper:   section 5
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
    n_tokens,
    nll,
    perplexity
from interventions
where (abs(perplexity / exp(nll / n_tokens) - 1) <= 1e-12) is not true
