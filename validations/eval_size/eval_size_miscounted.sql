-- Check:   Every part of the text has one row per population
-- Why:     A missing part distorts the comparison unnoticed.
-- Guards:  grain of eval_size: one cell, part and population
-- Grain:   size, step, layer, documents, population
-- Reads:   eval_size, populations
with parts as (
    select distinct
        size,
        step,
        layer,
        documents
    from eval_size
),

listed as (
    select
        parts.*,
        populations.population,
        1 as n_wanted,
        0 as n_rows
    from parts
    cross join populations
    union all
    select
        size,
        step,
        layer,
        documents,
        population,
        0 as n_wanted,
        1 as n_rows
    from eval_size
)

select
    size,
    step,
    layer,
    documents,
    population,
    sum(n_wanted) as n_wanted,
    sum(n_rows) as n_rows
from listed
group by size, step, layer, documents, population
having sum(n_wanted) <> sum(n_rows)
