-- Title:   The features of each variant, with the variant as their step
-- Grain:   size, step (the variant), layer, feature
-- Reads:   feature_metrics
-- The views of trends, by size, step and layer, thus compute all variants at once.
select
    '' as size,
    variant::bigint as step,
    0 as layer,
    feature,
    n_firings,
    n_documents,
    n_tokens,
    supported,
    language,
    language_permuted,
    language_exclusive,
    null::varchar as language_sure,
    null::boolean as mixed_by_tokens,
    token_entropy,
    semantic_entropy,
    monosemanticity,
    monosemanticity_null,
    mean_span,
    null::double as mean_span_active
from feature_metrics
where not is_left_out
