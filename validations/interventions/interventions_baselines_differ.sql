-- Check:   Every evaluation has one baseline
-- Why:     Differences from different baselines cannot be compared.
-- Guards:  equation 7: perplexity of the model without steering
-- Grain:   size, step, layer, full_step, language
-- Reads:   interventions
select
    size,
    step,
    layer,
    full_step,
    language,
    min(baseline) as baseline,
    max(baseline) as other_baseline
from interventions
group by size, step, layer, full_step, language
having min(baseline) <> max(baseline) or count(baseline) < count(*)
