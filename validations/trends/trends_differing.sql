-- Check:   Every share and mean is that of the features, recounted
-- Why:     Otherwise the trend describes other features.
-- Guards:  trends: recomputed from features in plain SQL
-- Grain:   size, step, layer, population, measure
-- Reads:   trends, trends_recounted
with listed as (
    select
        trends.size,
        trends.step,
        trends.layer,
        trends.population,
        item.measure,
        item.value
    from trends
    cross join lateral (
        values
        ('tokens_seen', tokens_seen::double),
        ('fvu', fvu),
        ('n_dead', n_dead::double),
        ('n_features', n_features::double),
        ('mixed_share', mixed_share),
        ('mixed_share_null', mixed_share_null),
        ('mixed_share_exclusive', mixed_share_exclusive),
        ('mixed_share_paired', mixed_share_paired),
        ('mixed_share_by_tokens', mixed_share_by_tokens),
        ('mixed_share_sure', mixed_share_sure),
        ('undecided_share', undecided_share),
        ('firings_per_feature', firings_per_feature),
        ('single_token_share', single_token_share),
        ('monosemanticity', monosemanticity),
        ('monosemanticity_null', monosemanticity_null),
        ('monosemanticity_paired', monosemanticity_paired),
        ('monosemanticity_two_tokens', monosemanticity_two_tokens),
        ('token_entropy', token_entropy),
        ('semantic_entropy', semantic_entropy),
        ('mean_span', mean_span),
        ('mean_span_active', mean_span_active)
    ) as item (measure, value)
)

select
    listed.size,
    listed.step,
    listed.layer,
    listed.population,
    listed.measure,
    listed.value,
    counted.value as counted
from listed
inner join trends_recounted as counted using (size, step, layer, population, measure)
where
    coalesce(abs(listed.value - counted.value) > 1e-11 * (1 + abs(counted.value)), false)
    or (listed.value is null) <> (counted.value is null)
