-- Title:   What are the trends, recomputed from the features?
-- Grain:   size, step, layer, population, measure
-- Reads:   cells, features_summed
with counted as (
    select
        cells.size,
        cells.step,
        cells.layer,
        listed.population,
        cells.tokens_seen,
        cells.fvu,
        cells.n_dead,
        if(listed.population = 'all', cells.n_dead, 0) as dead,
        coalesce(sums.n, 0) as n,
        coalesce(sums.n_mixed, 0) as n_mixed,
        coalesce(sums.n_mixed_null, 0) as n_mixed_null,
        sums.n_exclusive,
        sums.n_mixed_exclusive,
        sums.n_mixed_paired,
        sums.n_mixed_by_tokens,
        coalesce(sums.n_with_sure, 0) as n_with_sure,
        if(n_with_sure = coalesce(sums.n, 0), n_with_sure + dead, 0) as n_sure,
        coalesce(sums.n_mixed_sure, 0) as n_mixed_sure,
        coalesce(sums.n_undecided, 0) as n_undecided,
        sums.n_firings,
        sums.n_single_token,
        sums.n_monosemanticity_null,
        sums.monosemanticity,
        sums.monosemanticity_paired,
        sums.monosemanticity_two_tokens,
        sums.monosemanticity_null,
        sums.token_entropy,
        sums.semantic_entropy,
        sums.mean_span,
        sums.mean_span_active
    from cells
    cross join (values ('all'), ('alive'), ('supported')) as listed (population)
    left join features_summed as sums using (size, step, layer, population)
)

select
    counted.size,
    counted.step,
    counted.layer,
    counted.population,
    item.measure,
    item.total / nullif(item.n, 0)::double as value
from counted
cross join lateral (
    values
    ('tokens_seen', tokens_seen::double, 1),
    ('fvu', fvu, 1),
    ('n_dead', n_dead::double, 1),
    ('n_features', (n + dead)::double, 1),
    ('mixed_share', (n_mixed + dead)::double, n + dead),
    ('mixed_share_null', (n_mixed_null + dead)::double, n + dead),
    ('mixed_share_exclusive', n_mixed_exclusive::double, n_exclusive),
    ('mixed_share_paired', n_mixed_paired::double, n_exclusive),
    ('mixed_share_by_tokens', n_mixed_by_tokens::double, n_with_sure),
    ('mixed_share_sure', n_mixed_sure::double, n_sure),
    ('undecided_share', (n_undecided + dead)::double, n_sure),
    ('firings_per_feature', n_firings, n),
    ('single_token_share', n_single_token::double, n),
    ('monosemanticity', monosemanticity, n),
    ('monosemanticity_null', monosemanticity_null, n_monosemanticity_null),
    ('monosemanticity_paired', monosemanticity_paired, n_monosemanticity_null),
    ('monosemanticity_two_tokens', monosemanticity_two_tokens, n - n_single_token),
    ('token_entropy', token_entropy, n),
    ('semantic_entropy', semantic_entropy, n),
    ('mean_span', mean_span, n),
    ('mean_span_active', mean_span_active, n)
) as item (measure, total, n)
