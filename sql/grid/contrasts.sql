-- Title:   Which cells are compared by each test of the paper's findings?
-- Grain:   finding, comparison, of_size, measure, chosen_on, size, step, layer
-- Reads:   turns, layer_contrasts, size_contrasts
-- Paper:   the three findings: a turn over steps, middle layers, larger models
-- A test is the sum of weight x share over its cells, of alive features; its weights sum
-- to 0. `fall` and `rise` compare the first and the last trained step with the turn. Where
-- the turn is that step itself, the weights cancel: the cell has a row with weight 0.
with listed as (
    select
        'turn' as finding,
        item.comparison,
        turns.size as of_size,
        turns.measure,
        turns.chosen_on,
        turns.measured_on,
        turns.size,
        item.step,
        turns.layer,
        item.weight
    from turns
    cross join lateral (
        values
        ('fall', step_first, 1::double),
        ('fall', step_turn, -1::double),
        ('rise', step_last, 1::double),
        ('rise', step_turn, -1::double)
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

select
    finding,
    comparison,
    of_size,
    measure,
    chosen_on,
    measured_on,
    size,
    step,
    layer,
    sum(weight) as weight
from listed
group by all
union all
select
    finding,
    comparison,
    of_size,
    unnest(['mixed_share', 'mixed_share_exclusive']) as measure,
    null as chosen_on,
    'all' as measured_on,
    size,
    step,
    layer,
    weight
from fixed
