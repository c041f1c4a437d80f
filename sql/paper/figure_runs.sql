-- Title:   Over which runs of tokens do the features of figures 4 and 7 fire most strongly?
-- Grain:   figure, panel, feature, rank
-- Reads:   figure_features, firings, settings
-- Runs that contain one of the feature's twenty strongest firings; token_row and rank are
-- those of the run's strongest firing, with its rank in `activation_examples`. That view is
-- not read here, because it would read the firings of every cell.
with fired as (
    select
        chosen.figure,
        chosen.panel,
        chosen.feature,
        firings.token_row,
        firings.token_row // (select context - 1 from settings) as document,
        row_number() over (
            partition by chosen.figure, chosen.panel, chosen.feature
            order by firings.value desc, firings.token_row asc
        ) as rank,
        firings.token_row - row_number() over (
            partition by chosen.figure, chosen.panel, chosen.feature
            order by firings.token_row
        ) as run
    from firings
    inner join figure_features as chosen using (size, step, layer, feature)
)

select
    figure,
    panel,
    feature,
    min(rank) as rank,
    arg_min(token_row, rank) as token_row,
    document::integer as document,
    min(token_row) as first_row,
    max(token_row) as last_row
from fired
group by figure, panel, feature, document, run
having min(rank) <= 20
