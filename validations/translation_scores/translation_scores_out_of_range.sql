-- Check:   Every score is in the range of its metric
-- Why:     BLEU and chrF range from 0 to 100.
-- Guards:  table 1: translation
-- Grain:   size, step, layer, full_step, control, added, alpha, m, draw, scale_back, b_pre,
--          source_language, target_language, metric
-- Reads:   translation_scores
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
    source_language,
    target_language,
    metric,
    score
from translation_scores
where not isfinite(score) or score < 0 or score > 100 + 1e-9
