-- Title:   How do language classes, meaning and spans change over steps, layers, sizes?
-- Grain:   size, step, layer, population
-- Reads:   trend_counts, trend_intervals
-- Paper:   figures 3, 5, 6, 8, 9, 12 to 17; intervals are over features alone
with measured as (
    select
        size,
        step,
        layer,
        population,
        map_from_entries(
            list((name, struct_pack(value := value, low := low, high := high)))
        ) as item
    from trend_intervals
    group by size, step, layer, population
)

select
    measured.* exclude (item),
    tokens_seen,
    (n + dead) as n_features,
    n_dead,
    n_firings / nullif(n, 0) as firings_per_feature,
    item['mixed_share'].value as mixed_share,
    item['mixed_share'].low as mixed_share_low,
    item['mixed_share'].high as mixed_share_high,
    item['mixed_share_null'].value as mixed_share_null,
    item['mixed_share_null'].low as mixed_share_null_low,
    item['mixed_share_null'].high as mixed_share_null_high,
    item['mixed_share_exclusive'].value as mixed_share_exclusive,
    item['mixed_share_exclusive'].low as mixed_share_exclusive_low,
    item['mixed_share_exclusive'].high as mixed_share_exclusive_high,
    item['mixed_share_paired'].value as mixed_share_paired,
    item['mixed_share_paired'].low as mixed_share_paired_low,
    item['mixed_share_paired'].high as mixed_share_paired_high,
    item['mixed_share_by_tokens'].value as mixed_share_by_tokens,
    item['mixed_share_by_tokens'].low as mixed_share_by_tokens_low,
    item['mixed_share_by_tokens'].high as mixed_share_by_tokens_high,
    item['mixed_share_sure'].value as mixed_share_sure,
    item['mixed_share_sure'].low as mixed_share_sure_low,
    item['mixed_share_sure'].high as mixed_share_sure_high,
    item['undecided_share'].value as undecided_share,
    item['undecided_share'].low as undecided_share_low,
    item['undecided_share'].high as undecided_share_high,
    item['monosemanticity'].value as monosemanticity,
    item['monosemanticity'].low as monosemanticity_low,
    item['monosemanticity'].high as monosemanticity_high,
    item['monosemanticity_null'].value as monosemanticity_null,
    item['monosemanticity_null'].low as monosemanticity_null_low,
    item['monosemanticity_null'].high as monosemanticity_null_high,
    item['monosemanticity_paired'].value as monosemanticity_paired,
    item['monosemanticity_paired'].low as monosemanticity_paired_low,
    item['monosemanticity_paired'].high as monosemanticity_paired_high,
    item['monosemanticity_two_tokens'].value as monosemanticity_two_tokens,
    item['monosemanticity_two_tokens'].low as monosemanticity_two_tokens_low,
    item['monosemanticity_two_tokens'].high as monosemanticity_two_tokens_high,
    item['single_token_share'].value as single_token_share,
    item['single_token_share'].low as single_token_share_low,
    item['single_token_share'].high as single_token_share_high,
    item['token_entropy'].value as token_entropy,
    item['token_entropy'].low as token_entropy_low,
    item['token_entropy'].high as token_entropy_high,
    item['semantic_entropy'].value as semantic_entropy,
    item['semantic_entropy'].low as semantic_entropy_low,
    item['semantic_entropy'].high as semantic_entropy_high,
    item['mean_span'].value as mean_span,
    item['mean_span'].low as mean_span_low,
    item['mean_span'].high as mean_span_high,
    item['mean_span_active'].value as mean_span_active,
    item['mean_span_active'].low as mean_span_active_low,
    item['mean_span_active'].high as mean_span_active_high,
    fvu
from measured
inner join trend_counts using (size, step, layer, population)
