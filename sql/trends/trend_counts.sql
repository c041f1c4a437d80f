-- Title:   The sums of each trend, for each population
-- Grain:   size, step, layer, population
-- Reads:   cells, populations, trend_sums
-- `dead` is what the population counts of the cell's dead features.
select
    cells.size,
    cells.step,
    cells.layer,
    populations.population,
    any_value(if(populations.counts_dead, cells.n_dead, 0)) as dead,
    coalesce(sum(trend_sums.n), 0) as n,
    coalesce(sum(trend_sums.n_mixed), 0) as n_mixed,
    coalesce(sum(trend_sums.n_mixed_null), 0) as n_mixed_null,
    coalesce(sum(trend_sums.n_exclusive), 0) as n_exclusive,
    coalesce(sum(trend_sums.n_mixed_exclusive), 0) as n_mixed_exclusive,
    coalesce(sum(trend_sums.n_single_token), 0) as n_single_token,
    coalesce(sum(trend_sums.n_monosemanticity_null), 0) as n_monosemanticity_null,
    fsum(trend_sums.monosemanticity) as monosemanticity,
    fsum(trend_sums.monosemanticity_2) as monosemanticity_2,
    fsum(trend_sums.monosemanticity_null) as monosemanticity_null,
    fsum(trend_sums.monosemanticity_null_2) as monosemanticity_null_2,
    fsum(trend_sums.token_entropy) as token_entropy,
    fsum(trend_sums.token_entropy_2) as token_entropy_2,
    fsum(trend_sums.semantic_entropy) as semantic_entropy,
    fsum(trend_sums.semantic_entropy_2) as semantic_entropy_2,
    fsum(trend_sums.mean_span) as mean_span,
    fsum(trend_sums.mean_span_2) as mean_span_2,
    fsum(trend_sums.mean_span_active) as mean_span_active,
    fsum(trend_sums.mean_span_active_2) as mean_span_active_2
from cells
cross join populations
left join trend_sums
    on
        cells.size = trend_sums.size
        and cells.step = trend_sums.step
        and cells.layer = trend_sums.layer
        and (trend_sums.supported or populations.counts_unsupported)
group by cells.size, cells.step, cells.layer, populations.population
