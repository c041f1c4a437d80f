-- Check:   The variance of a contrast is that over documents and that over draws
-- Why:     Without one of them an interval is too narrow.
-- Guards:  standard_deviation ^ 2 = sd_documents ^ 2 + sd_draws ^ 2
-- Grain:   size, step, layer, full_step, control, comparison, alpha, m, scale_back, b_pre,
--          language, measure
-- Reads:   intervention_contrasts
select
    size,
    step,
    layer,
    full_step,
    control,
    comparison,
    alpha,
    m,
    scale_back,
    b_pre,
    language,
    measure,
    standard_deviation,
    sd_documents,
    sd_draws
from intervention_contrasts
where
    abs(standard_deviation ^ 2 - sd_documents ^ 2 - sd_draws ^ 2)
    > 1e-9 * standard_deviation ^ 2
