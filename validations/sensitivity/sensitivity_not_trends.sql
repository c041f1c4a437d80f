-- Check:   The study's own settings give the study's trends
-- Why:     The same numbers are computed twice, and must agree.
-- Guards:  sensitivity: one setting changed at a time
-- Grain:   size, step, layer, setting, population
-- Reads:   sensitivity, trends
select
    own.size,
    own.step,
    own.layer,
    own.setting,
    own.population,
    own.mixed_share,
    trends.mixed_share as mixed_share_trend,
    own.monosemanticity,
    trends.monosemanticity as monosemanticity_trend,
    own.mean_span,
    trends.mean_span as mean_span_trend
from sensitivity as own
inner join trends using (size, step, layer, population)
where
    own.is_default
    and (
        own.n_features is distinct from trends.n_features
        or own.mixed_share is distinct from trends.mixed_share
        or own.monosemanticity is distinct from trends.monosemanticity
        or own.mean_span is distinct from trends.mean_span
    )
