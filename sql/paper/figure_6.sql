-- Title:   Over how many consecutive tokens do the largest model's features fire?
-- Grain:   step, layer
-- Reads:   figure_spans
-- Paper:   figure 6
-- Population: alive features. The largest by parameters; of one size alone, that one.
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
where is_largest
order by step, layer
