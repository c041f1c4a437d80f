-- Title:   Which features are in cells where some feature violates a rule?
-- Grain:   size, step, layer, feature
-- Reads:   features_counted, feature_rules
-- Only the first three cells of each rule, so that little has to be read.
with broken as (
    select distinct
        size,
        step,
        layer,
        unnest([
            if(n_firings_off > 0, 'firings_are_active', null),
            if(n_documents_off > 0, 'documents_have_firings', null),
            if(n_clusters_off > 0, 'clusters_have_tokens', null),
            if(n_support_off > 0, 'support_follows', null),
            if(n_entropies_off > 0, 'entropies_in_range', null),
            if(n_monosemanticity_off > 0, 'monosemanticity_in_range', null),
            if(n_equation_off > 0, 'monosemanticity_follows', null),
            if(n_sure_off > 0, 'sure_class_follows', null),
            if(n_span_off > 0, 'span_in_range', null),
            if(n_active_span_off > 0, 'active_span_in_range', null),
            if(n_shares_off > 0, 'shares_in_range', null)
        ]) as rule
    from features_counted
),

looked_at as (
    select distinct
        size,
        step,
        layer
    from broken
    where rule is not null
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
