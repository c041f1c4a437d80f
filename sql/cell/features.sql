-- Title:   What is known of each feature?
-- Grain:   alive feature
-- Reads:   maxima, feature_classes, document_counts, position_counts, entropies,
--          mono_null, firing_spans, active_spans, settings
select
    maxima.feature,
    maxima.n_active,
    maxima.max_value,
    feature_classes.n_firings,
    document_counts.n_documents,
    entropies.n_tokens,
    entropies.n_clusters,
    entropies.largest_cluster_share,
    feature_classes.n_firings >= settings.min_firings
    and document_counts.n_documents >= settings.min_documents as supported,
    feature_classes.language,
    feature_classes.language_permuted,
    feature_classes.language_exclusive,
    feature_classes.p_shared,
    position_counts.p_top_position,
    entropies.token_entropy,
    entropies.semantic_entropy,
    entropies.monosemanticity,
    mono_null.monosemanticity as monosemanticity_null,
    firing_spans.mean_span,
    active_spans.mean_span_active,
    firing_spans.truncated_share
from maxima
inner join feature_classes on maxima.feature = feature_classes.feature
inner join document_counts on maxima.feature = document_counts.feature
inner join position_counts on maxima.feature = position_counts.feature
inner join entropies on maxima.feature = entropies.feature
inner join firing_spans on maxima.feature = firing_spans.feature
inner join active_spans on maxima.feature = active_spans.feature
cross join settings
left join mono_null
    on entropies.n_tokens between mono_null.n_tokens_low and mono_null.n_tokens_high
