-- Title:   Which share of each feature's firings is at its commonest position?
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
    max(n) / sum(n) as p_top_position
from counts
group by feature
