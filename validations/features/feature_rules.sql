-- Title:   Which of the rules for a single feature does each feature satisfy?
-- Grain:   size, step, layer, feature
-- Reads:   features, settings
-- Paper:   equations 4 (token entropy), 5 (semantic entropy), 6 (monosemanticity)
-- A rule is null where it cannot be evaluated; such a feature does not satisfy it.
select
    features.size,
    features.step,
    features.layer,
    features.feature,
    features.n_active,
    features.n_firings,
    features.n_documents,
    features.n_tokens,
    features.n_clusters,
    features.supported,
    features.language,
    features.language_permuted,
    features.language_exclusive,
    features.language_sure,
    features.mixed_by_tokens,
    features.max_value,
    features.token_entropy,
    features.semantic_entropy,
    features.monosemanticity,
    features.monosemanticity_null,
    features.mean_span,
    features.mean_span_active,
    features.largest_cluster_share,
    features.p_shared,
    features.p_top_position,
    features.truncated_share,
    (n_firings <= n_active) as firings_are_active,
    (n_documents between 1 and n_firings) as documents_have_firings,
    (n_clusters between 1 and n_tokens) as clusters_have_tokens,
    (
        supported
        = (n_firings >= settings.min_firings and n_documents >= settings.min_documents)
    ) as support_follows,
    (
        semantic_entropy >= 0
        and semantic_entropy <= token_entropy + 1e-9
        and token_entropy <= ln(n_tokens) + 1e-9
    ) as entropies_in_range,
    (monosemanticity between 0 and 1) as monosemanticity_in_range,
    (
        abs(
            monosemanticity
            - if(n_tokens = 1, 1, 1 - semantic_entropy / token_entropy)
        ) <= 1e-9
    ) as monosemanticity_follows,
    (coalesce(language_sure, language) = language) as sure_class_follows,
    (mean_span between 1 and settings.context - 1) as span_in_range,
    -- Not known where weak activations were left out.
    (coalesce(mean_span_active, 1) between 1 and settings.context - 1)
        as active_span_in_range,
    (
        largest_cluster_share > 0
        and largest_cluster_share <= 1
        and p_shared between 0 and 1
        and p_top_position > 0
        and p_top_position <= 1
        and truncated_share between 0 and 1
    ) as shares_in_range
from features
cross join settings
