-- Title:   How mixed is each cell of a test at the highest FVU of the test's cells, or at the
--          lowest number of firings per feature?
-- Grain:   finding, comparison, of_size, measure, matched, size, step, layer
-- Reads:   contrast_cells, twin_segments
-- On the line between the two nearest points that were measured; null if there is none.
with targets as (
    select
        members.finding,
        members.comparison,
        members.of_size,
        members.measure,
        segments.matched,
        if(segments.matched = 'fvu', max(segments.x_from), min(segments.x_from)) as target
    from contrast_cells as members
    inner join twin_segments as segments using (size, step, layer, measure)
    where segments.point = 1
    group by
        members.finding,
        members.comparison,
        members.of_size,
        members.measure,
        segments.matched
)

select
    targets.finding,
    targets.comparison,
    targets.of_size,
    targets.measure,
    targets.matched,
    members.size,
    members.step,
    members.layer,
    any_value(members.weight) as weight,
    arg_min(
        segments.share_from + coalesce(
            (segments.share_to - segments.share_from)
            * (targets.target - segments.x_from)
            / nullif(segments.x_to - segments.x_from, 0),
            0
        ),
        segments.point
    ) as share
from targets
inner join contrast_cells as members using (finding, comparison, of_size, measure)
left join twin_segments as segments
    on
        members.size = segments.size
        and members.step = segments.step
        and members.layer = segments.layer
        and members.measure = segments.measure
        and targets.matched = segments.matched
        and targets.target between
        least(segments.x_from, coalesce(segments.x_to, segments.x_from))
        and greatest(segments.x_from, coalesce(segments.x_to, segments.x_from))
group by all
