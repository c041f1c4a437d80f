-- Title:   How do language classes, meaning and spans change over steps, layers, sizes?
-- Grain:   size, step, layer, population
-- Reads:   cells, trend_counts, trend_intervals
-- Paper:   figures 3, 5, 6, 8, 9, 12 to 17; intervals are over features alone
select
    item.size,
    item.step,
    item.layer,
    item.population,
    any_value(cells.tokens_seen) as tokens_seen,
    any_value(trend_counts.n + trend_counts.dead) as n_features,
    any_value(cells.n_dead) as n_dead,
    any_value(trend_counts.n_firings / nullif(trend_counts.n, 0)) as firings_per_feature,
    max(item.value) filter (where item.name = 'mixed_share') as mixed_share,
    max(item.low) filter (where item.name = 'mixed_share') as mixed_share_low,
    max(item.high) filter (where item.name = 'mixed_share') as mixed_share_high,
    max(item.value) filter (where item.name = 'mixed_share_null') as mixed_share_null,
    max(item.low) filter (where item.name = 'mixed_share_null') as mixed_share_null_low,
    max(item.high) filter (where item.name = 'mixed_share_null') as mixed_share_null_high,
    max(item.value) filter (where item.name = 'mixed_share_exclusive') as mixed_share_exclusive,
    max(item.low) filter (where item.name = 'mixed_share_exclusive') as mixed_share_exclusive_low,
    max(item.high) filter (where item.name = 'mixed_share_exclusive') as mixed_share_exclusive_high,
    max(item.value) filter (where item.name = 'mixed_share_paired') as mixed_share_paired,
    max(item.low) filter (where item.name = 'mixed_share_paired') as mixed_share_paired_low,
    max(item.high) filter (where item.name = 'mixed_share_paired') as mixed_share_paired_high,
    max(item.value) filter (where item.name = 'mixed_share_by_tokens') as mixed_share_by_tokens,
    max(item.low) filter (where item.name = 'mixed_share_by_tokens') as mixed_share_by_tokens_low,
    max(item.high) filter (where item.name = 'mixed_share_by_tokens') as mixed_share_by_tokens_high,
    max(item.value) filter (where item.name = 'mixed_share_sure') as mixed_share_sure,
    max(item.low) filter (where item.name = 'mixed_share_sure') as mixed_share_sure_low,
    max(item.high) filter (where item.name = 'mixed_share_sure') as mixed_share_sure_high,
    max(item.value) filter (where item.name = 'undecided_share') as undecided_share,
    max(item.low) filter (where item.name = 'undecided_share') as undecided_share_low,
    max(item.high) filter (where item.name = 'undecided_share') as undecided_share_high,
    max(item.value) filter (where item.name = 'monosemanticity') as monosemanticity,
    max(item.low) filter (where item.name = 'monosemanticity') as monosemanticity_low,
    max(item.high) filter (where item.name = 'monosemanticity') as monosemanticity_high,
    max(item.value) filter (where item.name = 'monosemanticity_null') as monosemanticity_null,
    max(item.low) filter (where item.name = 'monosemanticity_null') as monosemanticity_null_low,
    max(item.high) filter (where item.name = 'monosemanticity_null') as monosemanticity_null_high,
    max(item.value) filter (where item.name = 'monosemanticity_paired') as monosemanticity_paired,
    max(item.low) filter (where item.name = 'monosemanticity_paired') as monosemanticity_paired_low,
    max(item.high) filter (where item.name = 'monosemanticity_paired')
        as monosemanticity_paired_high,
    max(item.value) filter (where item.name = 'monosemanticity_two_tokens')
        as monosemanticity_two_tokens,
    max(item.low) filter (where item.name = 'monosemanticity_two_tokens')
        as monosemanticity_two_tokens_low,
    max(item.high) filter (where item.name = 'monosemanticity_two_tokens')
        as monosemanticity_two_tokens_high,
    max(item.value) filter (where item.name = 'single_token_share') as single_token_share,
    max(item.low) filter (where item.name = 'single_token_share') as single_token_share_low,
    max(item.high) filter (where item.name = 'single_token_share') as single_token_share_high,
    max(item.value) filter (where item.name = 'token_entropy') as token_entropy,
    max(item.low) filter (where item.name = 'token_entropy') as token_entropy_low,
    max(item.high) filter (where item.name = 'token_entropy') as token_entropy_high,
    max(item.value) filter (where item.name = 'semantic_entropy') as semantic_entropy,
    max(item.low) filter (where item.name = 'semantic_entropy') as semantic_entropy_low,
    max(item.high) filter (where item.name = 'semantic_entropy') as semantic_entropy_high,
    max(item.value) filter (where item.name = 'mean_span') as mean_span,
    max(item.low) filter (where item.name = 'mean_span') as mean_span_low,
    max(item.high) filter (where item.name = 'mean_span') as mean_span_high,
    max(item.value) filter (where item.name = 'mean_span_active') as mean_span_active,
    max(item.low) filter (where item.name = 'mean_span_active') as mean_span_active_low,
    max(item.high) filter (where item.name = 'mean_span_active') as mean_span_active_high,
    any_value(cells.fvu) as fvu
from trend_intervals as item
inner join trend_counts
    on
        item.size = trend_counts.size
        and item.step = trend_counts.step
        and item.layer = trend_counts.layer
        and item.population = trend_counts.population
inner join cells
    on
        item.size = cells.size
        and item.step = cells.step
        and item.layer = cells.layer
group by item.size, item.step, item.layer, item.population
