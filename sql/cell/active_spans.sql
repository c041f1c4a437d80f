-- Title:   Over how many consecutive tokens is each feature activated?
-- Grain:   feature
-- Reads:   codes, settings
-- Paper:   section 4.2, span length, over activations instead of firings
-- A run starts where the token before, in the same document, does not activate the
-- feature; the mean run is activations over starts.
with stepped as (
    select
        feature,
        token_row,
        lag(token_row) over (partition by feature order by token_row) as previous
    from codes
)

select
    feature,
    count(*) / count(*) filter (
        where
        previous is null
        or previous + 1 < token_row
        or token_row % (select context - 1 from settings) = 0
    ) as mean_span_active
from stepped
group by feature
