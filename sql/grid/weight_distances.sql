-- Title:   How far apart are the weights of each two steps, group by group?
-- Grain:   size, weights, earlier_step, step
-- Reads:   checkpoint_weights
-- The L2 distance of the samples; is_shared compares all weights of the group, by fingerprint.
select
    earlier.size,
    earlier.weights,
    earlier.position,
    earlier.step as earlier_step,
    later.step,
    earlier.fingerprint = later.fingerprint as is_shared,
    list_distance(earlier.sample, later.sample) as distance
from checkpoint_weights as earlier
inner join checkpoint_weights as later
    on
        earlier.size = later.size
        and earlier.weights = later.weights
        and earlier.step < later.step
where len(earlier.sample) = len(later.sample)
