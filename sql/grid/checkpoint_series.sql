-- Title:   How do the weights of each size change over its steps?
-- Grain:   size, step
-- Reads:   checkpoint_weights, weight_findings
-- Of the blocks: the median of the norms, the lowest cosine to the first step. n_findings counts
-- the findings that name the step.
with findings as (
    select
        size,
        unnest([earlier_step, step, later_step]) as step
    from weight_findings
),

counts as (
    select
        size,
        step,
        count(*) as n_findings
    from findings
    group by size, step
)

select
    weights.size,
    weights.step,
    sum(weights.n_weights)::bigint as n_weights,
    any_value(weights.lm_fingerprint) as lm_fingerprint,
    max(weights.median_norm) filter (where weights.weights = 'embedding') as embedding_norm,
    median(weights.median_norm) filter (where weights.weights like 'block %') as block_norm,
    max(weights.median_norm) filter (where weights.weights = 'head') as head_norm,
    max(weights.cosine_first) filter (where weights.weights = 'embedding') as embedding_cosine,
    min(weights.cosine_first) filter (where weights.weights like 'block %') as block_cosine,
    max(weights.cosine_first) filter (where weights.weights = 'head') as head_cosine,
    coalesce(any_value(counts.n_findings), 0) as n_findings
from checkpoint_weights as weights
left join counts on weights.size = counts.size and weights.step = counts.step
group by weights.size, weights.step
