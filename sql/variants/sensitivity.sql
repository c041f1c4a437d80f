-- Title:   How sensitive are the trends to each setting, changed one at a time?
-- Grain:   setting, value, population
-- Reads:   variant_trends, variant_names
-- Intervals are over features alone.
select
    variant_names.setting,
    variant_names.value,
    variant_names.is_default,
    trends.population,
    trends.n_features,
    trends.n_dead,
    trends.firings_per_feature,
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
from variant_trends as trends
inner join variant_names on trends.step = variant_names.variant
where variant_names.table_name = 'sensitivity'
