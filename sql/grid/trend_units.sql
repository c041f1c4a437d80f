-- Title:   Sums over a cell's features, in units
-- Grain:   size, step, layer, supported
-- Reads:   features
-- One pass over the features. Sums are exact, so they do not depend on the order of the rows:
-- they count units of 1e-15, for spans 1e-12. Squares of spans exceed that range and are
-- decimals.
select
    size,
    step,
    layer,
    supported,
    count(*) as n,
    sum(n_firings)::bigint as n_firings,
    count(*) filter (where language = 'mixed') as n_mixed,
    count(language_permuted) as n_permuted,
    count(*) filter (where language_permuted = 'mixed') as n_mixed_null,
    count(language_exclusive) as n_exclusive,
    count(*) filter (where language_exclusive = 'mixed') as n_mixed_exclusive,
    count(*) filter (where language_exclusive is not null and language = 'mixed')
        as n_mixed_paired,
    count(mixed_by_tokens) as n_with_sure,
    count(*) filter (where mixed_by_tokens) as n_mixed_by_tokens,
    count(*) filter (where language_sure = 'mixed') as n_mixed_sure,
    count(*) filter (where language_sure is null) as n_undecided,
    count(*) filter (where n_tokens > 1) as n_two_tokens,
    count(n_tokens) as n_with_tokens,
    count(*) filter (where n_tokens = 1) as n_single_token,
    count(monosemanticity_null) as n_monosemanticity_null,
    sum((monosemanticity * 1e15)::bigint) as monosemanticity,
    sum((monosemanticity * monosemanticity * 1e15)::bigint) as monosemanticity_2,
    sum((monosemanticity * 1e15)::bigint) filter (where monosemanticity_null is not null)
        as monosemanticity_paired,
    sum((monosemanticity * monosemanticity * 1e15)::bigint)
    filter (where monosemanticity_null is not null) as monosemanticity_paired_2,
    sum((monosemanticity * 1e15)::bigint) filter (where n_tokens > 1)
        as monosemanticity_two_tokens,
    sum((monosemanticity * monosemanticity * 1e15)::bigint) filter (where n_tokens > 1)
        as monosemanticity_two_tokens_2,
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
