-- Title:   How do language classes, meaning and spans change over steps, layers, sizes?
-- Grain:   size, step, layer, population
-- Reads:   cells, trend_counts, trend_intervals
-- Paper:   figures 3, 5, 6, 8, 9, 12 to 17; intervals are over features alone
select
    by_name.size,
    by_name.step,
    by_name.layer,
    by_name.population,
    any_value(cells.tokens_seen) as tokens_seen,
    any_value(trend_counts.n + trend_counts.dead) as n_features,
    any_value(cells.n_dead) as n_dead,
    max(by_name.value) filter (where by_name.name = 'mixed_share') as mixed_share,
    max(by_name.low) filter (where by_name.name = 'mixed_share') as mixed_share_low,
    max(by_name.high) filter (where by_name.name = 'mixed_share') as mixed_share_high,
    max(by_name.value) filter (where by_name.name = 'mixed_share_null') as mixed_share_null,
    max(by_name.low) filter (where by_name.name = 'mixed_share_null') as mixed_share_null_low,
    max(by_name.high) filter (where by_name.name = 'mixed_share_null') as mixed_share_null_high,
    max(by_name.value) filter (where by_name.name = 'mixed_share_exclusive') as mixed_share_exclusive,
    max(by_name.low) filter (where by_name.name = 'mixed_share_exclusive') as mixed_share_exclusive_low,
    max(by_name.high) filter (where by_name.name = 'mixed_share_exclusive') as mixed_share_exclusive_high,
    max(by_name.value) filter (where by_name.name = 'monosemanticity') as monosemanticity,
    max(by_name.low) filter (where by_name.name = 'monosemanticity') as monosemanticity_low,
    max(by_name.high) filter (where by_name.name = 'monosemanticity') as monosemanticity_high,
    max(by_name.value) filter (where by_name.name = 'monosemanticity_null') as monosemanticity_null,
    max(by_name.low) filter (where by_name.name = 'monosemanticity_null') as monosemanticity_null_low,
    max(by_name.high) filter (where by_name.name = 'monosemanticity_null') as monosemanticity_null_high,
    max(by_name.value) filter (where by_name.name = 'single_token_share') as single_token_share,
    max(by_name.low) filter (where by_name.name = 'single_token_share') as single_token_share_low,
    max(by_name.high) filter (where by_name.name = 'single_token_share') as single_token_share_high,
    max(by_name.value) filter (where by_name.name = 'token_entropy') as token_entropy,
    max(by_name.low) filter (where by_name.name = 'token_entropy') as token_entropy_low,
    max(by_name.high) filter (where by_name.name = 'token_entropy') as token_entropy_high,
    max(by_name.value) filter (where by_name.name = 'semantic_entropy') as semantic_entropy,
    max(by_name.low) filter (where by_name.name = 'semantic_entropy') as semantic_entropy_low,
    max(by_name.high) filter (where by_name.name = 'semantic_entropy') as semantic_entropy_high,
    max(by_name.value) filter (where by_name.name = 'mean_span') as mean_span,
    max(by_name.low) filter (where by_name.name = 'mean_span') as mean_span_low,
    max(by_name.high) filter (where by_name.name = 'mean_span') as mean_span_high,
    max(by_name.value) filter (where by_name.name = 'mean_span_active') as mean_span_active,
    max(by_name.low) filter (where by_name.name = 'mean_span_active') as mean_span_active_low,
    max(by_name.high) filter (where by_name.name = 'mean_span_active') as mean_span_active_high,
    any_value(cells.fvu) as fvu
from trend_intervals as by_name
inner join trend_counts
    on
        by_name.size = trend_counts.size
        and by_name.step = trend_counts.step
        and by_name.layer = trend_counts.layer
        and by_name.population = trend_counts.population
inner join cells
    on
        by_name.size = cells.size
        and by_name.step = cells.step
        and by_name.layer = cells.layer
group by by_name.size, by_name.step, by_name.layer, by_name.population
