-- Title:   Over how many consecutive tokens do the features of the largest and of the
--          smallest model fire?
-- Grain:   figure, step, layer
-- Reads:   figure_spans
-- Paper:   figures 6 (largest size) and 9 (smallest)
-- Population: alive features. Sizes are compared by their parameters; a single size is in
-- both figures.
select
    listed.figure,
    spans.size,
    spans.step,
    spans.layer,
    spans.tokens_seen,
    spans.relative_depth,
    spans.n_features,
    spans.mean_span,
    spans.mean_span_low,
    spans.mean_span_high,
    spans.mean_span_active,
    spans.mean_span_active_low,
    spans.mean_span_active_high
from figure_spans as spans
cross join
    lateral (
        values
        (6, spans.is_largest),
        (9, spans.is_smallest)
    ) as listed (figure, is_shown)
where listed.is_shown
order by listed.figure, spans.step, spans.layer
