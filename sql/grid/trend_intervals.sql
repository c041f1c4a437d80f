-- Title:   Every share and mean of a trend, with a 95 % interval over features alone
-- Grain:   size, step, layer, population, name
-- Reads:   trend_counts
-- Shares: Wilson's score interval. Means: normal, from the sample's standard deviation.
with listed as (
    select
        trend_counts.size,
        trend_counts.step,
        trend_counts.layer,
        trend_counts.population,
        item.name,
        nullif(item.n, 0)::double as n,
        item.total,
        item.squares
    from trend_counts
    cross join lateral (
        values
        ('mixed_share', n + dead, n_mixed + dead, null::double),
        ('mixed_share_null', n_null, n_mixed_null + dead, null::double),
        ('mixed_share_exclusive', n_exclusive, n_mixed_exclusive, null::double),
        ('mixed_share_paired', n_exclusive, n_mixed_paired, null::double),
        ('mixed_share_by_tokens', n_with_sure, n_mixed_by_tokens, null::double),
        ('mixed_share_sure', n_sure, n_mixed_sure, null::double),
        ('undecided_share', n_sure, n_undecided + dead, null::double),
        ('single_token_share', n_with_tokens, n_single_token, null::double),
        ('monosemanticity', n, monosemanticity, monosemanticity_2),
        ('monosemanticity_null', n_sets, monosemanticity_null, monosemanticity_null_2),
        ('monosemanticity_paired', n_sets, monosemanticity_paired, monosemanticity_paired_2),
        (
            'monosemanticity_two_tokens',
            n_two_tokens,
            monosemanticity_two_tokens,
            monosemanticity_two_tokens_2
        ),
        ('token_entropy', n, token_entropy, token_entropy_2),
        ('semantic_entropy', n, semantic_entropy, semantic_entropy_2),
        ('mean_span', n, mean_span, mean_span_2),
        ('mean_span_active', n, mean_span_active, mean_span_active_2)
    ) as item (name, n, total, squares)
),

measured as (
    select
        size,
        step,
        layer,
        population,
        name,
        n,
        squares is null as is_share,
        total / n as value,
        sample_variance(total, squares, n) as variance,
        z_95() * sqrt(variance / n) as half
    from listed
)

select
    size,
    step,
    layer,
    population,
    name,
    value,
    if(is_share, wilson_low(value, n), value - half) as low,
    if(is_share, wilson_high(value, n), value + half) as high
from measured
