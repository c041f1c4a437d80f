-- Title:   How does perplexity change by the class, number and strength of the steering features?
-- Grain:   size, step, layer, full_step, control, alpha, m, added, language
-- Reads:   intervention_effects
-- Across:  language of difference, difference_low, difference_high
-- Best:    lowest of *difference by size, step, layer, full_step, control, alpha, m
-- Paper:   table 4
-- Differences in perplexity from the model without steering, the `baseline`. The paper's two
-- baselines differ, and its `all` is not a mean of its languages: compare differences only.
-- scale_back is off: the equation as written.
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
