-- Title:   Every share and mean of a trend, with a 95 % interval over features alone
-- Grain:   size, step, layer, population, name
-- Reads:   trend_counts
-- Shares: Wilson's score interval. Means: normal, from the sample's standard deviation.
with listed as (
    select
        size,
        step,
        layer,
        population,
        unnest([
            {'name': 'mixed_share', 'n': n + dead, 'total': n_mixed + dead, 'squares': null},
            {'name': 'mixed_share_null', 'n': n + dead, 'total': n_mixed_null + dead, 'squares': null},
            {'name': 'mixed_share_exclusive', 'n': n_exclusive, 'total': n_mixed_exclusive, 'squares': null},
            {'name': 'single_token_share', 'n': n, 'total': n_single_token, 'squares': null},
            {'name': 'monosemanticity', 'n': n, 'total': monosemanticity, 'squares': monosemanticity_2},
            {'name': 'monosemanticity_null', 'n': n_monosemanticity_null, 'total': monosemanticity_null, 'squares': monosemanticity_null_2},
            {'name': 'token_entropy', 'n': n, 'total': token_entropy, 'squares': token_entropy_2},
            {'name': 'semantic_entropy', 'n': n, 'total': semantic_entropy, 'squares': semantic_entropy_2},
            {'name': 'mean_span', 'n': n, 'total': mean_span, 'squares': mean_span_2},
            {'name': 'mean_span_active', 'n': n, 'total': mean_span_active, 'squares': mean_span_active_2}
        ]) as item
    from trend_counts
),

measured as (
    select
        size,
        step,
        layer,
        population,
        item.name as name,
        item.squares is null as is_share,
        1.959964 as z,
        nullif(item.n, 0)::double as n,
        item.total / nullif(item.n, 0) as value,
        sqrt(
            greatest(0, item.squares - item.total ^ 2 / nullif(item.n, 0))
            / nullif(item.n - 1, 0)
        ) as deviation
    from listed
),

centred as (
    select
        *,
        if(is_share, (value + z ^ 2 / (2 * n)) / (1 + z ^ 2 / n), value) as centre,
        if(
            is_share,
            z * sqrt(value * (1 - value) / n + z ^ 2 / (4 * n ^ 2)) / (1 + z ^ 2 / n),
            z * deviation / sqrt(n)
        ) as half
    from measured
)

select
    size,
    step,
    layer,
    population,
    name,
    value,
    centre - half as low,
    centre + half as high
from centred
