-- Title:   Which checkpoints are not what their steps say, judged by their weights?
-- Grain:   size, finding, earlier_step, step, later_step
-- Reads:   weight_distances, weight_returns
-- finding: `shared`, if two steps have the same weights, in which case there is no later_step;
-- `unlike`, as in weight_returns. `weights` lists the groups.
with findings as (
    select
        size,
        'shared' as finding,
        earlier_step,
        step,
        null::bigint as later_step,
        weights,
        position
    from weight_distances
    where is_shared
    union all
    select
        size,
        'unlike' as finding,
        earlier_step,
        step,
        later_step,
        weights,
        position
    from weight_returns
)

select
    size,
    finding,
    earlier_step,
    step,
    later_step,
    string_agg(weights, ', ' order by position) as weights
from findings
group by size, finding, earlier_step, step, later_step
