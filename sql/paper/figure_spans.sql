-- Title:   Over how many consecutive tokens do features fire, layer by layer?
-- Grain:   size, step, layer
-- Reads:   cell_places, trends
-- Paper:   figure 6 (largest size), 9 (smallest) and 15 to 17 (those between)
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
    trends.mean_span,
    trends.mean_span_low,
    trends.mean_span_high,
    trends.mean_span_active,
    trends.mean_span_active_low,
    trends.mean_span_active_high
from trends
inner join cell_places as places using (size, step, layer)
where trends.population = 'alive'
order by places.n_params, places.size, places.step, places.layer
