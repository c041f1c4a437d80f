-- Title:   Which features are in cells where some feature violates a rule?
-- Grain:   size, step, layer, feature
-- Reads:   feature_rules, violating_cells
-- Only the first three cells of each rule, so that little has to be read.
with looked_at as (
    select distinct
        size,
        step,
        layer
    from violating_cells
    qualify dense_rank() over (partition by rule order by size, step, layer) <= 3
)

select
    size,
    step,
    layer,
    feature,
    n_active,
    n_firings,
    n_documents,
    n_tokens,
    n_clusters,
    supported,
    language,
    language_permuted,
    language_exclusive,
    language_sure,
    max_value,
    token_entropy,
    semantic_entropy,
    monosemanticity,
    monosemanticity_null,
    mean_span,
    mean_span_active,
    largest_cluster_share,
    p_shared,
    p_top_position,
    truncated_share,
    firings_are_active,
    documents_have_firings,
    clusters_have_tokens,
    support_follows,
    entropies_in_range,
    monosemanticity_in_range,
    monosemanticity_follows,
    sure_class_follows,
    span_in_range,
    active_span_in_range,
    shares_in_range
from feature_rules
semi join looked_at using (size, step, layer)
