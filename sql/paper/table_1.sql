-- Title:   What does adding a class of features do to the perplexity?
-- Grain:   size, step, layer, full_step, control, added, language
-- Reads:   settings, table_4
-- Paper:   table 1
-- Of the settings measured, the one nearest to the paper's alpha of 0.1, then to its m of
-- 5,000. `baseline`: nothing is added; `none`: b_pre alone. Means over draws, spread: their
-- standard deviation.
with classes as (
    select unnest(list_append(languages, 'mixed')) as added
    from settings
),

nearest as (
    select
        size,
        step,
        layer,
        full_step,
        arg_min(table_4.alpha, (abs(table_4.alpha - 0.1), table_4.alpha)) as alpha,
        arg_min(table_4.m, (
            abs(table_4.alpha - 0.1),
            table_4.alpha,
            abs(table_4.m - 5000),
            table_4.m
        )) as m
    from table_4
    inner join classes using (added)
    group by size, step, layer, full_step
),

chosen as (
    select table_4.*
    from table_4
    inner join nearest using (size, step, layer, full_step)
    where
        table_4.alpha = nearest.alpha
        and (table_4.m = nearest.m or table_4.added = 'none')
)

select
    size,
    step,
    layer,
    full_step,
    control,
    alpha,
    m,
    added,
    language,
    n_draws,
    perplexity,
    spread
from chosen
where added in (select added from classes) or added = 'none'
union all
select distinct
    size,
    step,
    layer,
    full_step,
    null as control,
    0 as alpha,
    0 as m,
    'baseline' as added,
    language,
    null::bigint as n_draws,
    baseline as perplexity,
    null::double as spread
from chosen
