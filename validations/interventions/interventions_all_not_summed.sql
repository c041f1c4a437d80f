-- Check:   Losses on all tokens are the sum over the languages
-- Why:     `all` is pooled: every token counts once.
-- Guards:  language `all`: all tokens pooled
-- Grain:   size, step, layer, full_step, control, added, alpha, m, draw, scale_back, b_pre
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
    sum(n_tokens) filter (where language = 'all') as n_tokens,
    sum(n_tokens) filter (where language <> 'all') as n_tokens_summed,
    fsum(nll) filter (where language = 'all') as nll,
    fsum(nll) filter (where language <> 'all') as nll_summed
from interventions
group by
    size, step, layer, full_step, control, added, alpha, m, draw, scale_back, b_pre
having
    (
        sum(n_tokens) filter (where language = 'all')
        = sum(n_tokens) filter (where language <> 'all')
        and abs(
            fsum(nll) filter (where language = 'all')
            / fsum(nll) filter (where language <> 'all')
            - 1
        ) <= 1e-9
    ) is not true
