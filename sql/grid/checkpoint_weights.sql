-- Title:   What are the weights of each checkpoint, group by group?
-- Grain:   size, step, weights
-- Reads:   lm_weights
-- All cells of a checkpoint record the same rows. `sample` has the weights at random places, the
-- same in all steps of a size; cosine_first is that of the samples of this and the first step.
with lowest as (
    select
        size,
        step,
        min(layer) as layer
    from lm_weights
    group by size, step
),

checkpoints as (
    select *
    from lm_weights
    semi join lowest using (size, step, layer)
)

select
    size,
    step,
    weights,
    position,
    n_weights,
    fingerprint,
    median_norm,
    list_cosine_similarity(
        sample, first_value(sample) over (partition by size, weights order by step)
    ) as cosine_first,
    sample,
    lm_fingerprint
from checkpoints
