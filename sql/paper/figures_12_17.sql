-- Title:   How do features of the middle-sized models evolve, layer by layer?
-- Grain:   size, step, layer
-- Reads:   figure_layers, figure_spans
-- Paper:   figures 12 to 14 (classes and meaning) and 15 to 17 (spans)
-- The sizes between the smallest and the largest. Population: alive features.
select
    layers.size,
    layers.step,
    layers.layer,
    layers.tokens_seen,
    layers.relative_depth,
    layers.n_features,
    layers.mixed_share,
    layers.mixed_share_low,
    layers.mixed_share_high,
    layers.mixed_share_null,
    layers.mixed_share_paired,
    layers.mixed_share_exclusive,
    layers.mixed_share_exclusive_low,
    layers.mixed_share_exclusive_high,
    layers.monosemanticity,
    layers.monosemanticity_low,
    layers.monosemanticity_high,
    layers.monosemanticity_null,
    spans.mean_span,
    spans.mean_span_low,
    spans.mean_span_high,
    spans.mean_span_active,
    spans.mean_span_active_low,
    spans.mean_span_active_high
from figure_layers as layers
inner join figure_spans as spans using (size, step, layer)
where not layers.is_largest and not layers.is_smallest
order by layers.n_params, layers.size, layers.step, layers.layer
