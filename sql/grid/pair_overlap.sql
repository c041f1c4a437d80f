-- Title:   Are more features active in a text and its translation than in other two texts?
-- Grain:   size, step, layer, language_a, language_b; language_a before language_b
-- Reads:   pair_overlaps
-- `difference` is the mean overlap of pairs less that of all other pairings. A pair is also
-- in the pairings of all others: its influence is overlap - others_a - others_b, whose
-- spread over pairs gives the interval.
with pairs as (
    select
        size,
        step,
        layer,
        language_a,
        language_b,
        overlap,
        (overlap_others_a + overlap_others_b) / 2 as repaired,
        overlap - overlap_others_a - overlap_others_b as influence
    from pair_overlaps
),

sums as (
    select
        size,
        step,
        layer,
        language_a,
        language_b,
        count(*) as n_pairs,
        (sum(overlap::decimal(18, 15)) / count(*))::double as overlap,
        (sum(repaired::decimal(18, 15)) / count(*))::double as overlap_repaired,
        sum(influence::decimal(18, 15))::double / count(*) as influence,
        sum((influence ^ 2)::decimal(18, 15))::double / count(*) as influence_square
    from pairs
    group by size, step, layer, language_a, language_b
)

select
    size,
    step,
    layer,
    language_a,
    language_b,
    n_pairs,
    overlap,
    overlap_repaired,
    overlap - overlap_repaired as difference,
    overlap - overlap_repaired - normal_half(influence, influence_square, n_pairs)
        as difference_low,
    overlap - overlap_repaired + normal_half(influence, influence_square, n_pairs)
        as difference_high
from sums
