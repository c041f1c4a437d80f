-- Title:   The metrics of each feature, by the study's settings and by each variant of them
-- Grain:   variant, feature
-- Kept:    as a table, because several views read it
-- Reads:   variants, feature_classes, document_counts, entropies, mono_null, firing_spans,
--          cells, settings
-- Where a variant's firings are only counted by language, its other metrics are null, and its
-- documents are those of the study's rule. is_left_out: dense, in a variant without such.
select
    variants.variant,
    feature_classes.feature,
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
    entropies.token_entropy,
    entropies.semantic_entropy,
    entropies.monosemanticity,
    mono_null.monosemanticity as monosemanticity_null,
    firing_spans.mean_span,
    firing_spans.n_runs,
    variants.without_dense and is_dense(feature_classes.n_firings / cells.n_eval_tokens)
        as is_left_out
from feature_classes
inner join variants on feature_classes.variant = variants.variant
inner join document_counts
    on
        variants.document_rule = document_counts.rule
        and feature_classes.feature = document_counts.feature
cross join settings
cross join cells
left join entropies
    on
        variants.clustering = entropies.clustering
        and feature_classes.feature = entropies.feature
left join firing_spans
    on
        variants.rule = firing_spans.rule
        and feature_classes.feature = firing_spans.feature
left join mono_null
    on entropies.n_tokens between mono_null.n_tokens_low and mono_null.n_tokens_high
