-- Title:   Are features first mixed, then of one language, then mixed again?
-- Grain:   size, step, measure, series
-- Reads:   control_values, grid_cells, trend_languages, trends
-- Paper:   figure 3, for every size
-- The middle layer of each size; alive features. Exclusive: the class by firings on
-- exclusive tokens.
with measured as (
    select
        trend_languages.size,
        trend_languages.step,
        trend_languages.layer,
        'language class' as measure,
        trend_languages.language as series,
        trend_languages.share as estimate,
        trend_languages.share_low as estimate_low,
        trend_languages.share_high as estimate_high,
        if(series = 'mixed', trends.mixed_share_null, null) as estimate_null,
        trend_languages.share_exclusive as estimate_exclusive
    from trend_languages
    inner join trends using (size, step, layer, population)
    where trends.population = 'alive'
    union all
    select
        size,
        step,
        layer,
        'monosemanticity' as measure,
        'mean' as series,
        monosemanticity,
        monosemanticity_low,
        monosemanticity_high,
        monosemanticity_null,
        null as estimate_exclusive
    from trends
    where population = 'alive'
)

select
    grid.size,
    grid.step,
    grid.layer,
    grid.n_params,
    grid.tokens_seen,
    grid.tokens_first,
    grid.tokens_drawn,
    measured.measure,
    measured.series,
    measured.estimate,
    measured.estimate_low,
    measured.estimate_high,
    measured.estimate_null,
    measured.estimate_exclusive,
    controls.random_decoder as estimate_random_decoder,
    controls.shuffled_weights as estimate_shuffled_weights,
    controls.random_tokens as estimate_random_tokens
from measured
inner join grid_cells as grid using (size, step, layer)
left join control_values as controls
    on
        measured.size = controls.size
        and measured.step = controls.step
        and measured.layer = controls.layer
        and controls.population = 'alive'
        and controls.name = case measured.series
            when 'mixed' then 'mixed_share'
            when 'mean' then 'monosemanticity'
            else concat('share of ', measured.series)
        end
where grid.is_middle
order by grid.n_params, grid.size, grid.step, measured.measure, measured.series
