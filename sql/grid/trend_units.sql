-- Title:   Sums over a cell's features, in units
-- Grain:   size, step, layer, supported
-- Reads:   trend_kinds
-- Features of all kinds together, and those of the kinds that a measure counts.
select
    size,
    step,
    layer,
    supported,
    sum(n)::bigint as n,
    sum(n_firings)::bigint as n_firings,
    coalesce(sum(n) filter (where is_mixed), 0)::bigint as n_mixed,
    coalesce(sum(n) filter (where is_mixed_null is not null), 0)::bigint as n_permuted,
    coalesce(sum(n) filter (where is_mixed_null), 0)::bigint as n_mixed_null,
    coalesce(sum(n) filter (where is_mixed_exclusive is not null), 0)::bigint as n_exclusive,
    coalesce(sum(n) filter (where is_mixed_exclusive), 0)::bigint as n_mixed_exclusive,
    coalesce(sum(n) filter (where is_mixed_exclusive is not null and is_mixed), 0)::bigint
        as n_mixed_paired,
    coalesce(sum(n) filter (where mixed_by_tokens is not null), 0)::bigint as n_with_sure,
    coalesce(sum(n) filter (where mixed_by_tokens), 0)::bigint as n_mixed_by_tokens,
    coalesce(sum(n) filter (where is_mixed_sure), 0)::bigint as n_mixed_sure,
    coalesce(sum(n) filter (where is_mixed_sure is null), 0)::bigint as n_undecided,
    coalesce(sum(n) filter (where has_two_tokens), 0)::bigint as n_two_tokens,
    coalesce(sum(n) filter (where has_two_tokens is not null), 0)::bigint as n_with_tokens,
    coalesce(sum(n) filter (where not has_two_tokens), 0)::bigint as n_single_token,
    coalesce(sum(n) filter (where has_null), 0)::bigint as n_monosemanticity_null,
    sum(monosemanticity) as monosemanticity,
    sum(monosemanticity_2) as monosemanticity_2,
    sum(monosemanticity) filter (where has_null) as monosemanticity_paired,
    sum(monosemanticity_2) filter (where has_null) as monosemanticity_paired_2,
    sum(monosemanticity) filter (where has_two_tokens) as monosemanticity_two_tokens,
    sum(monosemanticity_2) filter (where has_two_tokens) as monosemanticity_two_tokens_2,
    sum(monosemanticity_null) as monosemanticity_null,
    sum(monosemanticity_null_2) as monosemanticity_null_2,
    sum(token_entropy) as token_entropy,
    sum(token_entropy_2) as token_entropy_2,
    sum(semantic_entropy) as semantic_entropy,
    sum(semantic_entropy_2) as semantic_entropy_2,
    sum(mean_span) as mean_span,
    sum(mean_span_2) as mean_span_2,
    sum(mean_span_active) as mean_span_active,
    sum(mean_span_active_2) as mean_span_active_2
from trend_kinds
group by size, step, layer, supported
