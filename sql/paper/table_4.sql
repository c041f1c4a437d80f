-- Title:   What does adding a class of features change, by strength and number?
-- Grain:   size, step, layer, full_step, control, alpha, m, added, language
-- Reads:   intervention_effects
-- Across:  language of difference, difference_low, difference_high
-- Paper:   table 4
-- Differences of perplexity to the model with nothing added, which is the `baseline`; the
-- paper's two baselines differ, and its `all` is no mean of its languages: compare
-- differences only. scale_back is off: the equation as written.
select
    size,
    step,
    layer,
    full_step,
    control,
    alpha,
    m,
    added,
    language,
    b_pre,
    n_draws,
    perplexity,
    spread,
    baseline,
    difference,
    difference_low,
    difference_high,
    difference_none,
    difference_none_low,
    difference_none_high
from intervention_effects
where not scale_back
order by size, step, layer, full_step, control, alpha, m, added, language
