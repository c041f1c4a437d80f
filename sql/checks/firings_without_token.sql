-- Title:   Firings on what is no token of the evaluation text
-- Grain:   size, step, layer, feature, token_row
-- Reads:   firings, firings_counted, tokens
with looked_at as (
    select
        size,
        step,
        layer
    from firings_counted
    where n_lost > 0
    order by all
    limit 3
)

select
    firings.size,
    firings.step,
    firings.layer,
    firings.feature,
    firings.token_row,
    firings.value
from firings
semi join looked_at using (size, step, layer)
anti join tokens on firings.token_row = tokens.token_row
