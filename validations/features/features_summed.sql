-- Title:   Sums over the features of each population
-- Grain:   size, step, layer, population; those with features
-- Reads:   features_counted
-- Independent of `trend_sums`, because trends are compared with these sums.
with chosen as (
    select
        'all' as population,
        *
    from features_counted
    union all
    select
        'alive' as population,
        *
    from features_counted
    union all
    select
        'supported' as population,
        *
    from features_counted
    where supported
)

select
    population,
    size,
    step,
    layer,
    sum(n) as n,
    sum(n) filter (where language = 'mixed') as n_mixed,
    coalesce(sum(n) filter (where is_mixed_null), 0) as n_mixed_null,
    sum(n) filter (where language_exclusive is not null) as n_exclusive,
    coalesce(sum(n) filter (where language_exclusive = 'mixed'), 0) as n_mixed_exclusive,
    coalesce(
        sum(n) filter (where language = 'mixed' and language_exclusive is not null), 0
    ) as n_mixed_paired,
    coalesce(sum(n) filter (where mixed_by_tokens is not null), 0) as n_with_sure,
    coalesce(sum(n) filter (where mixed_by_tokens), 0) as n_mixed_by_tokens,
    coalesce(sum(n) filter (where is_mixed_sure), 0) as n_mixed_sure,
    coalesce(sum(n) filter (where is_mixed_sure is null), 0) as n_undecided,
    sum(n_firings) as n_firings,
    coalesce(sum(n) filter (where has_one_token), 0) as n_single_token,
    coalesce(sum(n) filter (where has_null), 0) as n_monosemanticity_null,
    sum(monosemanticity)::double as monosemanticity,
    (sum(monosemanticity) filter (where has_null))::double as monosemanticity_paired,
    (sum(monosemanticity) filter (where not has_one_token))::double
        as monosemanticity_two_tokens,
    sum(monosemanticity_null)::double as monosemanticity_null,
    sum(token_entropy)::double as token_entropy,
    sum(semantic_entropy)::double as semantic_entropy,
    sum(mean_span)::double as mean_span,
    sum(mean_span_active)::double as mean_span_active
from chosen
group by population, size, step, layer
