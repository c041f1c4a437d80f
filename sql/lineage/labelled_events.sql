-- Title:   Which events are counted together?
-- Grain:   kind, population, size, step, layer, size_to, step_to, layer_to, is_to, feature
-- Reads:   feature_events, fates
-- population: all supported features that were learned, or those `beyond tokens`, which no
-- token alone describes (token_jaccard below a half). The events between two seeds of a cell
-- are compared with those of its features in every pair.
with pairs as (
    select distinct
        size,
        step,
        layer,
        size_to,
        step_to,
        layer_to,
        is_to,
        own_cell
    from feature_events
),

events as (
    select
        'own' as kind,
        size,
        step,
        layer,
        size_to,
        step_to,
        layer_to,
        is_to,
        feature,
        token_jaccard,
        event
    from feature_events
    union all
    select
        kind,
        size,
        step,
        layer,
        size_to,
        step_to,
        layer_to,
        is_to,
        feature,
        token_jaccard,
        event
    from fates
    where kind = 'null'
    union all
    select
        fates.kind,
        pairs.* exclude (own_cell),
        fates.feature,
        fates.token_jaccard,
        fates.event
    from fates
    inner join pairs on fates.own_cell = pairs.own_cell
    where fates.kind = 'seeds' and fates.own_cell = fates.other_cell
),

populations as (
    select unnest(['supported', 'beyond tokens']) as population
)

select
    events.*,
    populations.population
from events
cross join populations
where populations.population = 'supported' or events.token_jaccard < 0.5::double
