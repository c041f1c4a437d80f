-- Check:   A setting's losses are the sum over its documents
-- Why:     Perplexity is that of the text, not of a document.
-- Guards:  perplexity = exp(summed nll / n_tokens)
-- Grain:   size, step, layer, full_step, control, added, alpha, m, draw, scale_back, b_pre,
--          language
-- Reads:   intervention_losses, interventions
with listed as (
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
        0 as n_tokens_summed,
        0 as nll_summed
    from interventions
    where language <> 'all'
    union all
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
        0 as n_tokens,
        0 as nll,
        n_tokens as n_tokens_summed,
        nll as nll_summed
    from intervention_losses
    where added <> 'baseline'
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
    language,
    sum(n_tokens) as n_tokens,
    sum(n_tokens_summed) as n_tokens_summed,
    fsum(nll) as nll,
    fsum(nll_summed) as nll_summed
from listed
group by
    size, step, layer, full_step, control, added, alpha, m, draw, scale_back, b_pre,
    language
having
    (
        sum(n_tokens) = sum(n_tokens_summed)
        and abs(fsum(nll) - fsum(nll_summed)) <= 1e-9 * fsum(nll_summed)
    ) is not true
