-- Title:   Over how many consecutive tokens do the smallest model's features fire?
-- Grain:   step, layer
-- Reads:   figure_spans
-- Paper:   figure 9
-- Population: alive features. The smallest by parameters; of one size alone, that one.
select
    size,
    step,
    layer,
    tokens_seen,
    relative_depth,
    n_features,
    mean_span,
    mean_span_low,
    mean_span_high,
    mean_span_active,
    mean_span_active_low,
    mean_span_active_high
from figure_spans
where is_smallest
order by step, layer
