-- Title:   On what share of the text do features of each class fire?
-- Grain:   size, step, layer, language; every class has a row
-- Reads:   cells, classes, features, firings
-- A token counts for a class if at least one feature of the class fires on it, so shares of
-- tokens do not sum to one; shares of firings do. Select one cell: all its firings are read.
with counts as (
    select
        firings.size,
        firings.step,
        firings.layer,
        features.language,
        count(*) as n_firings,
        count(distinct firings.token_row) as n_tokens
    from firings
    inner join features using (size, step, layer, feature)
    group by firings.size, firings.step, firings.layer, features.language
)

select
    cells.size,
    cells.step,
    cells.layer,
    classes.language,
    coalesce(counts.n_firings, 0) as n_firings,
    coalesce(counts.n_firings, 0) / sum(counts.n_firings) over (
        partition by cells.size, cells.step, cells.layer
    ) as share_of_firings,
    coalesce(counts.n_tokens, 0) as n_tokens,
    coalesce(counts.n_tokens, 0) / cells.n_eval_tokens as share_of_tokens
from cells
cross join classes
left join counts
    on
        cells.size = counts.size
        and cells.step = counts.step
        and cells.layer = counts.layer
        and classes.language = counts.language
