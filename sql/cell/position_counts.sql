-- Title:   What share of each feature's firings is at its commonest position, and how many
--          firings are at the last position of a window?
-- Grain:   feature
-- Reads:   firings, settings
with counts as (
    select
        feature,
        token_row % (select context - 1 from settings) as position,
        count(*) as n
    from firings
    group by feature, position
)

select
    feature,
    max(n) / sum(n) as p_top_position,
    coalesce(
        max(n) filter (where position = (select context - 2 from settings)), 0
    ) as n_last
from counts
group by feature
