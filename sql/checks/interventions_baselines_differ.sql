-- Title:   Evaluations with more than one baseline
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
