-- Check:   Every share and mean of a trend lies in its interval
-- Why:     An interval that does not contain its estimate was computed from other data.
-- Guards:  <name>_low <= <name> <= <name>_high
-- Grain:   size, step, layer, population, measure
-- Reads:   trends
with listed as (
    select
        size,
        step,
        layer,
        population,
        unnest([
            'mixed_share', 'mixed_share_null', 'mixed_share_exclusive',
            'monosemanticity', 'monosemanticity_null', 'single_token_share',
            'token_entropy', 'semantic_entropy', 'mean_span', 'mean_span_active'
        ]) as measure,
        unnest([
            mixed_share_low, mixed_share_null_low, mixed_share_exclusive_low,
            monosemanticity_low, monosemanticity_null_low, single_token_share_low,
            token_entropy_low, semantic_entropy_low, mean_span_low,
            mean_span_active_low
        ]) as measure_low,
        unnest([
            mixed_share, mixed_share_null, mixed_share_exclusive,
            monosemanticity, monosemanticity_null, single_token_share,
            token_entropy, semantic_entropy, mean_span, mean_span_active
        ]) as measured,
        unnest([
            mixed_share_high, mixed_share_null_high, mixed_share_exclusive_high,
            monosemanticity_high, monosemanticity_null_high, single_token_share_high,
            token_entropy_high, semantic_entropy_high, mean_span_high,
            mean_span_active_high
        ]) as measure_high
    from trends
)

select
    size,
    step,
    layer,
    population,
    measure,
    measure_low,
    measured,
    measure_high
from listed
where measure_low > measured + 1e-9 or measured > measure_high + 1e-9
