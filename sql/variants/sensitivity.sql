-- Title:   Do trends hang on a setting? One at a time is another
-- Grain:   size, step, layer, setting, value, population
-- Reads:   trends, variant
-- Intervals are over features alone.
select
    trends.size,
    trends.step,
    trends.layer,
    variant.setting,
    variant.value,
    variant.is_studys,
    trends.population,
    trends.n_features,
    trends.n_dead,
    trends.mixed_share,
    trends.mixed_share_low,
    trends.mixed_share_high,
    trends.mixed_share_null,
    trends.mixed_share_null_low,
    trends.mixed_share_null_high,
    trends.mixed_share_exclusive,
    trends.mixed_share_exclusive_low,
    trends.mixed_share_exclusive_high,
    trends.monosemanticity,
    trends.monosemanticity_low,
    trends.monosemanticity_high,
    trends.monosemanticity_null,
    trends.monosemanticity_null_low,
    trends.monosemanticity_null_high,
    trends.single_token_share,
    trends.single_token_share_low,
    trends.single_token_share_high,
    trends.token_entropy,
    trends.token_entropy_low,
    trends.token_entropy_high,
    trends.semantic_entropy,
    trends.semantic_entropy_low,
    trends.semantic_entropy_high,
    trends.mean_span,
    trends.mean_span_low,
    trends.mean_span_high
from trends
cross join variant
