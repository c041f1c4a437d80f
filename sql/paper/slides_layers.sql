-- Title:   Are features of the middle layers more mixed and more monosemantic?
-- Grain:   region
-- Reads:   region_sums
-- Best:    highest of mixed_share, mixed_share_exclusive, monosemanticity
-- Paper:   the slides' table of layer regions
-- The largest size at its last step; alive features of all layers of a region together.
-- Intervals are over features alone: Wilson's for shares, normal for means.
with measured as (
    select
        *,
        z_95() / sqrt(nullif(n - 1, 0)) as unit,
        unit * sqrt(greatest(0, mono_2 - mono ^ 2)) as mono_half,
        unit * sqrt(greatest(0, span_2 - span ^ 2)) as span_half,
        unit * sqrt(greatest(0, active_2 - active ^ 2)) as active_half
    from region_sums
    where is_on_slides
)

select
    region,
    size,
    step,
    first_layer,
    last_layer,
    n_layers,
    n_features,
    mixed as mixed_share,
    wilson_low(mixed, n) as mixed_share_low,
    wilson_high(mixed, n) as mixed_share_high,
    mixed_null as mixed_share_null,
    paired as mixed_share_paired,
    exclusive as mixed_share_exclusive,
    wilson_low(exclusive, n_exclusive) as mixed_share_exclusive_low,
    wilson_high(exclusive, n_exclusive) as mixed_share_exclusive_high,
    mono as monosemanticity,
    mono - mono_half as monosemanticity_low,
    mono + mono_half as monosemanticity_high,
    mono_null as monosemanticity_null,
    span as mean_span,
    span - span_half as mean_span_low,
    span + span_half as mean_span_high,
    active as mean_span_active,
    active - active_half as mean_span_active_low,
    active + active_half as mean_span_active_high
from measured
order by first_layer
