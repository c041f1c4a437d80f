-- Title:   Which cells are compared by each test of the paper's findings?
-- Grain:   finding, comparison, of_size, measure, documents, features, size, step, layer
-- Reads:   turns, layer_contrasts, size_contrasts
-- Paper:   the three findings: a turn over steps, middle layers, larger models
-- A test is the sum of weight x share over its cells, each measured on some of the documents
-- and some of the features; its weights sum to 0. `fall` and `rise` compare the first and
-- the last trained step with the turn: half of the weight is on each of the two turns.
with listed as (
    select
        'turn' as finding,
        item.comparison,
        turns.size as of_size,
        turns.measure,
        turns.documents,
        turns.features,
        turns.size,
        item.step,
        turns.layer,
        item.weight
    from turns
    cross join lateral (
        values
        ('fall', step_first, 0.5::double),
        ('fall', step_turn, -0.5::double),
        ('rise', step_last, 0.5::double),
        ('rise', step_turn, -0.5::double)
    ) as item (comparison, step, weight)
),

fixed as (
    select
        'layers' as finding,
        size as of_size,
        *
    from layer_contrasts
    union all by name
    select
        'sizes' as finding,
        *
    from size_contrasts
)

select *
from listed
union all
select
    finding,
    comparison,
    of_size,
    unnest(['mixed_share', 'mixed_share_exclusive']) as measure,
    'all' as documents,
    'all' as features,
    size,
    step,
    layer,
    weight
from fixed
