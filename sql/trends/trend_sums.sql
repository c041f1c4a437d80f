-- Title:   What do trends add up? One pass over the features
-- Grain:   size, step, layer, supported
-- Reads:   features
-- Sums are of whole numbers, so exact: they do not hang on the order of the rows. The unit is
-- 1e-15, of spans 1e-12. Squares of spans are decimals: there a whole number would overflow.
select
    size,
    step,
    layer,
    supported,
    count(*) as n,
    count(*) filter (where language = 'mixed') as n_mixed,
    count(*) filter (where language_permuted = 'mixed') as n_mixed_null,
    count(language_exclusive) as n_exclusive,
    count(*) filter (where language_exclusive = 'mixed') as n_mixed_exclusive,
    count(*) filter (where n_tokens = 1) as n_single_token,
    count(monosemanticity_null) as n_monosemanticity_null,
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
group by size, step, layer, supported
