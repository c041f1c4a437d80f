-- Title:   How does steering with a class of features change the model?
-- Grain:   size, step, layer, full_step, alpha, m, added, measure
-- Reads:   classes, table_4, translation_differences
-- Across:  measure of value
-- Best:    lowest of perplexity*, highest of bleu*, chrf*, comet*
--          by size, step, layer, full_step
-- Paper:   table 1
-- The measured setting nearest to the paper's alpha of 0.1, then to its m of 5,000, with the
-- same number of features in every class; translations are listed with their own settings.
-- `baseline`: no steering; `none`: b_pre alone. Means over draws.
with nearest as (
    select
        size,
        step,
        layer,
        full_step,
        arg_min(table_4.alpha, (abs(table_4.alpha - 0.1), table_4.alpha)) as alpha,
        arg_min(table_4.m, (
            abs(table_4.alpha - 0.1), table_4.alpha, abs(table_4.m - 5000), table_4.m
        )) as m
    from table_4
    inner join classes on table_4.added = classes.language
    group by size, step, layer, full_step
),

chosen as (
    select table_4.*
    from table_4
    inner join nearest using (size, step, layer, full_step, alpha)
    where
        table_4.control = 'm'
        and (table_4.m = nearest.m or table_4.added = 'none')
        and (table_4.added = 'none' or table_4.added in (select language from classes))
)

select
    size,
    step,
    layer,
    full_step,
    alpha,
    m,
    added,
    'perplexity ' || language as measure,
    perplexity as value
from chosen
union all
select distinct
    size,
    step,
    layer,
    full_step,
    0 as alpha,
    0 as m,
    'baseline' as added,
    'perplexity ' || language as measure,
    baseline as value
from chosen
union all
select
    size,
    step,
    layer,
    full_step,
    alpha,
    m,
    added,
    metric || ' ' || source_language || '-' || target_language as measure,
    score as value
from translation_differences
where not scale_back
