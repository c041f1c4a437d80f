-- Title:   What do a cell's features add up to, and how many break a rule?
-- Grain:   size, step, layer, supported, language, language_exclusive
-- Reads:   feature_rules
-- One pass over the features; all that is promised of them starts here. Sums that are
-- weighted by a number of the feature tell whether another table says the same of each
-- feature: differences do not cancel. (The hash of 0 is 0, which would weigh nothing.)
with weighted as (
    select
        *,
        (1 + hash(feature + 1) % 2147483648)::bigint as weight
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
    sum(monosemanticity::decimal(18, 15)) as monosemanticity,
    sum(monosemanticity_null::decimal(18, 15)) as monosemanticity_null,
    sum(token_entropy::decimal(18, 15)) as token_entropy,
    sum(semantic_entropy::decimal(18, 15)) as semantic_entropy,
    sum(mean_span::decimal(18, 15)) as mean_span,
    sum(mean_span_active::decimal(18, 15)) as mean_span_active,
    sum(weight) as weights,
    sum(weight * n_firings) as firings,
    count_if(not firings_are_active) as n_firings_off,
    count_if(not documents_have_firings) as n_documents_off,
    count_if(not clusters_have_tokens) as n_clusters_off,
    count_if(not support_follows) as n_support_off,
    count_if(not entropies_in_range) as n_entropies_off,
    count_if(not monosemanticity_in_range) as n_monosemanticity_off,
    count_if(not monosemanticity_follows) as n_equation_off,
    count_if(not span_in_range) as n_span_off,
    count_if(not active_span_in_range) as n_active_span_off,
    count_if(not shares_in_range) as n_shares_off
from weighted
group by size, step, layer, supported, language, language_exclusive
