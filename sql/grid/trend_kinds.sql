-- Title:   Sums over a cell's features of each kind, in units
-- Grain:   size, step, layer, supported, is_mixed, is_mixed_null, is_mixed_exclusive,
--          mixed_by_tokens, is_mixed_sure, has_two_tokens, has_null
-- Reads:   features
-- One pass over the features, from which every trend follows: a kind has all the properties
-- that trends count, since grouping by them takes half as long as a condition for each sum.
-- Sums are exact, so they do not depend on the order of the rows: they count units of 1e-15,
-- for spans 1e-12. Squares of spans exceed that range and are decimals.
select
    size,
    step,
    layer,
    supported,
    language = 'mixed' as is_mixed,
    language_permuted = 'mixed' as is_mixed_null,
    language_exclusive = 'mixed' as is_mixed_exclusive,
    mixed_by_tokens,
    language_sure = 'mixed' as is_mixed_sure,
    n_tokens > 1 as has_two_tokens,
    monosemanticity_null is not null as has_null,
    count(*) as n,
    sum(n_firings) as n_firings,
    sum((monosemanticity * 1e15)::bigint) as monosemanticity,
    sum((monosemanticity * monosemanticity * 1e15)::bigint) as monosemanticity_2,
    sum((monosemanticity_null * 1e15)::bigint) as monosemanticity_null,
    sum((monosemanticity_null * monosemanticity_null * 1e15)::bigint) as monosemanticity_null_2,
    sum((token_entropy * 1e15)::bigint) as token_entropy,
    sum((token_entropy * token_entropy * 1e15)::bigint) as token_entropy_2,
    sum((semantic_entropy * 1e15)::bigint) as semantic_entropy,
    sum((semantic_entropy * semantic_entropy * 1e15)::bigint) as semantic_entropy_2,
    sum((mean_span * 1e12)::bigint) as mean_span,
    sum((mean_span * mean_span)::decimal(38, 15)) as mean_span_2,
    sum((mean_span_active * 1e12)::bigint) as mean_span_active,
    sum((mean_span_active * mean_span_active)::decimal(38, 15)) as mean_span_active_2
from features
group by all
