-- Title:   Over how many consecutive tokens does each feature fire?
-- Grain:   feature
-- Reads:   firings, tokens, settings
-- Paper:   section 4.2, span length; a run that reaches the window's end is truncated
with numbered as (
    select
        firings.feature,
        tokens.position,
        firings.token_row - row_number() over (
            partition by firings.feature, tokens.document
            order by firings.token_row
        ) as run,
        tokens.document
    from firings
    inner join tokens on firings.token_row = tokens.token_row
),

runs as (
    select
        feature,
        count(*) as length,
        max(position) = (select context - 2 from settings) as truncated
    from numbered
    group by feature, document, run
)

select
    feature,
    sum(length) / count(*) as mean_span,
    count(*) filter (where truncated) / count(*) as truncated_share
from runs
group by feature
