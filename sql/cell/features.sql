-- Title:   What are the metrics of each feature?
-- Grain:   alive feature
-- Reads:   maxima, feature_metrics, sure_classes, token_classes, position_counts, active_spans
-- The study itself is variant 0. A run is truncated if it reaches the end of the window, so
-- at most one run of a document is.
select
    maxima.feature,
    maxima.n_active,
    maxima.max_value,
    feature_metrics.n_firings,
    feature_metrics.n_documents,
    feature_metrics.n_tokens,
    feature_metrics.n_clusters,
    feature_metrics.largest_cluster_share,
    feature_metrics.supported,
    feature_metrics.language,
    feature_metrics.language_permuted,
    feature_metrics.language_exclusive,
    sure_classes.language_sure,
    token_classes.mixed_by_tokens,
    feature_metrics.p_shared,
    position_counts.p_top_position,
    feature_metrics.token_entropy,
    feature_metrics.semantic_entropy,
    feature_metrics.monosemanticity,
    feature_metrics.monosemanticity_null,
    feature_metrics.mean_span,
    active_spans.mean_span_active,
    position_counts.n_last / feature_metrics.n_runs as truncated_share
from maxima
inner join feature_metrics on maxima.feature = feature_metrics.feature
inner join sure_classes on maxima.feature = sure_classes.feature
inner join token_classes on maxima.feature = token_classes.feature
inner join position_counts on maxima.feature = position_counts.feature
inner join active_spans on maxima.feature = active_spans.feature
where feature_metrics.variant = 0
