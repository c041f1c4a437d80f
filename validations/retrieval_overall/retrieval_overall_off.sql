-- Check:   The overall share of a source is within those of its directions
-- Why:     It is their mean over pairs, up to pairs that lack a direction.
-- Guards:  retrieval over all directions
-- Grain:   size, step, layer, source
-- Reads:   retrieval, retrieval_overall
with directions as (
    select
        size,
        step,
        layer,
        source,
        min(p_at_1) as lowest,
        max(p_at_1) as highest
    from retrieval
    group by size, step, layer, source
)

select
    directions.size,
    directions.step,
    directions.layer,
    directions.source,
    directions.lowest,
    retrieval_overall.p_at_1,
    directions.highest
from directions
left join retrieval_overall
    on
        directions.size = retrieval_overall.size
        and directions.step = retrieval_overall.step
        and directions.layer = retrieval_overall.layer
        and directions.source = retrieval_overall.source
where
    (
        retrieval_overall.p_at_1
        between directions.lowest - 1 / retrieval_overall.n_pairs
        and directions.highest + 1 / retrieval_overall.n_pairs
    ) is not true
    or (
        retrieval_overall.over_tokens
        between retrieval_overall.over_tokens_low and retrieval_overall.over_tokens_high
    ) is not true
