-- Title:   How mixed and how monosemantic are features, layer by layer?
-- Grain:   size, step, layer
-- Reads:   cell_places, trends
-- Paper:   figure 5 (largest size), 8 (smallest) and 12 to 14 (those between)
-- Population: alive features.
select
    places.size,
    places.step,
    places.layer,
    places.n_params,
    places.is_largest,
    places.is_smallest,
    places.tokens_seen,
    places.tokens_first,
    places.tokens_drawn,
    places.relative_depth,
    trends.n_features,
    trends.mixed_share,
    trends.mixed_share_low,
    trends.mixed_share_high,
    trends.mixed_share_null,
    trends.mixed_share_exclusive,
    trends.mixed_share_exclusive_low,
    trends.mixed_share_exclusive_high,
    trends.monosemanticity,
    trends.monosemanticity_low,
    trends.monosemanticity_high,
    trends.monosemanticity_null
from trends
inner join cell_places as places using (size, step, layer)
where trends.population = 'alive'
order by places.n_params, places.size, places.step, places.layer
