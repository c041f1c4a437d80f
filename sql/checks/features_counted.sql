-- Title:   What do a cell's features add up to, and how many break a rule?
-- Grain:   size, step, layer, supported, language, language_exclusive
-- Reads:   feature_rules
-- One pass over the features; all that is promised of them starts here. Sums that are
-- weighted by a number of the feature tell whether another table says the same of each
-- feature: differences do not cancel.
with weighted as (
    select
        *,
        (hash(feature) % 2147483648)::bigint as weight,
        hash(feature, n_firings, max_value) as digest
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
    count(*) filter (where n_tokens = 1) as n_single_token,
    count(monosemanticity_null) as n_monosemanticity_null,
    fsum(monosemanticity) as monosemanticity,
    fsum(monosemanticity_null) as monosemanticity_null,
    fsum(token_entropy) as token_entropy,
    fsum(semantic_entropy) as semantic_entropy,
    fsum(mean_span) as mean_span,
    fsum(mean_span_active) as mean_span_active,
    sum(weight) as weights,
    sum(weight * n_firings) as firings,
    sum(weight * n_tokens) as tokens,
    sum(weight * n_clusters) as clusters,
    sum(digest::hugeint) as digests,
    count(*) filter (
        where
        not (
            firings_are_active
            and documents_have_firings
            and clusters_have_tokens
            and support_follows
            and entropies_in_range
            and monosemanticity_in_range
            and monosemanticity_follows
            and span_in_range
            and active_span_in_range
            and shares_in_range
        )
    ) as n_off
from weighted
group by size, step, layer, supported, language, language_exclusive
