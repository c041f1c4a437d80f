-- Title:   Which steps are unlike an earlier and a later step that are like each other?
-- Grain:   size, weights, step
-- Reads:   weight_distances
-- Ends that share their weights are found by `is_shared`.
-- Weights that train move away from where they were: after a random walk, and even more on a
-- straight line, the ends are farther apart than each is from a step between them; where only
-- noise is left, all three distances are equal. Ends within half of the smaller of the two
-- other distances mean that one of the three is not from its place in the series: the step
-- between, or, if many steps are listed with the same ends, one of the ends. For each step, the
-- ends that are the most alike. The first and the last step, if they are like no other, cannot be
-- told from rapid change.
select
    ends.size,
    ends.weights,
    before.step,
    any_value(ends.position) as position,
    arg_min(ends.earlier_step, (ends.distance, ends.earlier_step, ends.step)) as earlier_step,
    arg_min(ends.step, (ends.distance, ends.earlier_step, ends.step)) as later_step,
    min(ends.distance) as distance
from weight_distances as ends
inner join weight_distances as before
    on
        ends.size = before.size
        and ends.weights = before.weights
        and ends.earlier_step = before.earlier_step
        and ends.step > before.step
inner join weight_distances as after
    on
        ends.size = after.size
        and ends.weights = after.weights
        and ends.step = after.step
        and before.step = after.earlier_step
where
    not ends.is_shared
    and 2 * ends.distance < least(before.distance, after.distance)
group by ends.size, ends.weights, before.step
