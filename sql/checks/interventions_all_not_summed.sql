-- Title:   Settings whose losses on `all` tokens are not the sum over the languages
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
