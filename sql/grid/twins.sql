-- Title:   Does each difference remain if both sides have the same FVU, or the same firings?
-- Grain:   finding, comparison, of_size, measure
-- Reads:   contrasts, twin_segments
-- A worse autoencoder has more mixed features, and so have features that fire less. So each
-- cell of a test is taken at the highest FVU among its cells, and at the lowest number of
-- firings per feature: on the line between the two nearest points that were measured. Null
-- if a cell has no such point. All documents and all features.
with members as (
    select
        finding,
        comparison,
        of_size,
        measure,
        size,
        step,
        layer,
        fsum(weight) as weight
    from contrasts
    group by finding, comparison, of_size, measure, size, step, layer
),

targets as (
    select
        members.finding,
        members.comparison,
        members.of_size,
        members.measure,
        segments.matched,
        if(segments.matched = 'fvu', max(segments.x_from), min(segments.x_from)) as target
    from members
    inner join twin_segments as segments using (size, step, layer, measure)
    where segments.point = 1
    group by
        members.finding,
        members.comparison,
        members.of_size,
        members.measure,
        segments.matched
),

matched_shares as (
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
    inner join members using (finding, comparison, of_size, measure)
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
),

differences as (
    select
        finding,
        comparison,
        of_size,
        measure,
        matched,
        sum((weight * share)::decimal(38, 20))::double as difference
    from matched_shares
    group by finding, comparison, of_size, measure, matched
    having count(share) = count(*)
)

select
    finding,
    comparison,
    of_size,
    measure,
    max(difference) filter (where matched = 'fvu') as at_same_fvu,
    max(difference) filter (where matched = 'firings') as at_same_firings
from differences
group by finding, comparison, of_size, measure
