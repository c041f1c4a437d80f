-- Title:   The sums behind each trend, by population
-- Grain:   size, step, layer, population
-- Reads:   cells, populations, trend_sums
-- n_null, n_sets, n_sure: features with a null of language, with one of monosemanticity, and
-- those known to be sure or not. `dead` is the number of the cell's dead features that the
-- population includes. What a trend shows of its cell is here too, so that `cells` is read once.
select
    cells.size,
    cells.step,
    cells.layer,
    populations.population,
    any_value(cells.tokens_seen) as tokens_seen,
    any_value(cells.fvu) as fvu,
    any_value(cells.n_dead) as n_dead,
    any_value(if(populations.counts_dead, cells.n_dead, 0)) as dead,
    coalesce(sum(trend_sums.n), 0) as n,
    coalesce(sum(trend_sums.n_firings), 0) as n_firings,
    coalesce(sum(trend_sums.n_mixed), 0) as n_mixed,
    if(
        count_if(trend_sums.n_permuted < trend_sums.n) = 0,
        coalesce(sum(trend_sums.n), 0) + any_value(if(populations.counts_dead, cells.n_dead, 0)),
        0
    ) as n_null,
    coalesce(sum(trend_sums.n_mixed_null), 0) as n_mixed_null,
    coalesce(sum(trend_sums.n_exclusive), 0) as n_exclusive,
    coalesce(sum(trend_sums.n_mixed_exclusive), 0) as n_mixed_exclusive,
    coalesce(sum(trend_sums.n_mixed_paired), 0) as n_mixed_paired,
    if(
        count_if(trend_sums.n_with_sure < trend_sums.n) = 0,
        coalesce(sum(trend_sums.n), 0) + any_value(if(populations.counts_dead, cells.n_dead, 0)),
        0
    ) as n_sure,
    coalesce(sum(trend_sums.n_with_sure), 0) as n_with_sure,
    coalesce(sum(trend_sums.n_mixed_by_tokens), 0) as n_mixed_by_tokens,
    coalesce(sum(trend_sums.n_mixed_sure), 0) as n_mixed_sure,
    coalesce(sum(trend_sums.n_undecided), 0) as n_undecided,
    coalesce(sum(trend_sums.n_two_tokens), 0) as n_two_tokens,
    coalesce(sum(trend_sums.n_with_tokens), 0) as n_with_tokens,
    coalesce(sum(trend_sums.n_single_token), 0) as n_single_token,
    coalesce(sum(trend_sums.n_monosemanticity_null), 0) as n_sets,
    sum(trend_sums.monosemanticity)::double as monosemanticity,
    sum(trend_sums.monosemanticity_2)::double as monosemanticity_2,
    sum(trend_sums.monosemanticity_paired)::double as monosemanticity_paired,
    sum(trend_sums.monosemanticity_paired_2)::double as monosemanticity_paired_2,
    sum(trend_sums.monosemanticity_two_tokens)::double as monosemanticity_two_tokens,
    sum(trend_sums.monosemanticity_two_tokens_2)::double as monosemanticity_two_tokens_2,
    sum(trend_sums.monosemanticity_null)::double as monosemanticity_null,
    sum(trend_sums.monosemanticity_null_2)::double as monosemanticity_null_2,
    sum(trend_sums.token_entropy)::double as token_entropy,
    sum(trend_sums.token_entropy_2)::double as token_entropy_2,
    sum(trend_sums.semantic_entropy)::double as semantic_entropy,
    sum(trend_sums.semantic_entropy_2)::double as semantic_entropy_2,
    sum(trend_sums.mean_span)::double as mean_span,
    sum(trend_sums.mean_span_2)::double as mean_span_2,
    sum(trend_sums.mean_span_active)::double as mean_span_active,
    sum(trend_sums.mean_span_active_2)::double as mean_span_active_2
from cells
cross join populations
left join trend_sums
    on
        cells.size = trend_sums.size
        and cells.step = trend_sums.step
        and cells.layer = trend_sums.layer
        and (trend_sums.supported or populations.counts_unsupported)
group by cells.size, cells.step, cells.layer, populations.population
