-- Title:   Sums over a cell's features of each kind
-- Grain:   size, step, layer, supported, language, language_exclusive, is_mixed_null,
--          mixed_by_tokens, is_mixed_sure, has_one_token, has_null, follows_rules
-- Reads:   feature_rules
-- One pass over the features, from which every check of features starts. Grouping by what is
-- counted takes less time than a condition for each sum. Sums weighted by a hash of the feature
-- show whether another table agrees on each feature: differences do not cancel. (The hash of 0
-- is 0, a weight of nothing.) Weights have 24 bits, so that a double holds the sum over half a
-- billion firings exactly; sums of floats count units of 1e-15, those of spans 1e-12.
with weighted as (
    select
        *,
        (1 + (hash(feature + 1) >> 40))::double as weight,
        coalesce(
            firings_are_active
            and documents_have_firings
            and clusters_have_tokens
            and support_follows
            and entropies_in_range
            and monosemanticity_in_range
            and monosemanticity_follows
            and sure_class_follows
            and span_in_range
            and active_span_in_range
            and shares_in_range,
            false
        ) as follows_rules
    from feature_rules
)

select
    size,
    step,
    layer,
    supported,
    language,
    language_exclusive,
    language_permuted = 'mixed' as is_mixed_null,
    mixed_by_tokens,
    language_sure = 'mixed' as is_mixed_sure,
    n_tokens = 1 as has_one_token,
    monosemanticity_null is not null as has_null,
    follows_rules,
    count(*) as n,
    sum(n_firings)::double as n_firings,
    (sum((monosemanticity * 1e15)::bigint) / 1e15)::decimal(38, 15) as monosemanticity,
    (sum((monosemanticity_null * 1e15)::bigint) / 1e15)::decimal(38, 15) as monosemanticity_null,
    (sum((token_entropy * 1e15)::bigint) / 1e15)::decimal(38, 15) as token_entropy,
    (sum((semantic_entropy * 1e15)::bigint) / 1e15)::decimal(38, 15) as semantic_entropy,
    (sum((mean_span * 1e12)::bigint) / 1e12)::decimal(38, 15) as mean_span,
    (sum((mean_span_active * 1e12)::bigint) / 1e12)::decimal(38, 15) as mean_span_active,
    sum(weight) as weights,
    sum(weight * n_firings) as firings
from weighted
group by all
