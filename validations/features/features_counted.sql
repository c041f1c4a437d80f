-- Title:   Sums over a cell's features, and how many violate each rule
-- Grain:   size, step, layer, supported, language, language_exclusive
-- Reads:   feature_rules
-- One pass over the features, from which every check of features starts. Sums weighted by a
-- hash of the feature show whether another table agrees on each feature: differences do not
-- cancel. (The hash of 0 is 0, a weight of nothing.) Weights have 24 bits, so that a double
-- holds the sum over half a billion firings exactly; sums of floats count units of 1e-15,
-- those of spans 1e-12.
with weighted as (
    select
        *,
        (1 + (hash(feature + 1) >> 40))::double as weight
    from feature_rules
)

select
    size,
    step,
    layer,
    supported,
    language,
    language_exclusive,
    count(*) as n,
    count(*) filter (where language_permuted = 'mixed') as n_mixed_null,
    count(mixed_by_tokens) as n_with_sure,
    count(*) filter (where mixed_by_tokens) as n_mixed_by_tokens,
    count(*) filter (where language_sure = 'mixed') as n_mixed_sure,
    count(*) filter (where language_sure is null) as n_undecided,
    count(*) filter (where n_tokens = 1) as n_single_token,
    sum(n_firings)::double as n_firings,
    count(monosemanticity_null) as n_monosemanticity_null,
    (sum((monosemanticity * 1e15)::bigint) / 1e15)::decimal(38, 15) as monosemanticity,
    (
        sum((monosemanticity * 1e15)::bigint) filter (where monosemanticity_null is not null)
        / 1e15
    )::decimal(38, 15) as monosemanticity_paired,
    (sum((monosemanticity * 1e15)::bigint) filter (where n_tokens > 1) / 1e15)::decimal(38, 15)
        as monosemanticity_two_tokens,
    (sum((monosemanticity_null * 1e15)::bigint) / 1e15)::decimal(38, 15) as monosemanticity_null,
    (sum((token_entropy * 1e15)::bigint) / 1e15)::decimal(38, 15) as token_entropy,
    (sum((semantic_entropy * 1e15)::bigint) / 1e15)::decimal(38, 15) as semantic_entropy,
    (sum((mean_span * 1e12)::bigint) / 1e12)::decimal(38, 15) as mean_span,
    (sum((mean_span_active * 1e12)::bigint) / 1e12)::decimal(38, 15) as mean_span_active,
    sum(weight) as weights,
    sum(weight * n_firings) as firings,
    count(*) - count_if(firings_are_active) as n_firings_off,
    count(*) - count_if(documents_have_firings) as n_documents_off,
    count(*) - count_if(clusters_have_tokens) as n_clusters_off,
    count(*) - count_if(support_follows) as n_support_off,
    count(*) - count_if(entropies_in_range) as n_entropies_off,
    count(*) - count_if(monosemanticity_in_range) as n_monosemanticity_off,
    count(*) - count_if(monosemanticity_follows) as n_equation_off,
    count(*) - count_if(sure_class_follows) as n_sure_off,
    count(*) - count_if(span_in_range) as n_span_off,
    count(*) - count_if(active_span_in_range) as n_active_span_off,
    count(*) - count_if(shares_in_range) as n_shares_off
from weighted
group by size, step, layer, supported, language, language_exclusive
