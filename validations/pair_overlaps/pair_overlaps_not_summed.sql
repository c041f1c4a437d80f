-- Check:   The overlaps with other texts have the same sum in both languages
-- Why:     Both sum the overlaps of every two texts of different pairs.
-- Guards:  pair_overlap: the expectation over all other pairings
-- Grain:   size, step, layer, language_a, language_b
-- Reads:   pair_overlaps
with sums as (
    select
        size,
        step,
        layer,
        language_a,
        language_b,
        sum(overlap_others_a::decimal(18, 15))::double as others_a,
        sum(overlap_others_b::decimal(18, 15))::double as others_b
    from pair_overlaps
    group by size, step, layer, language_a, language_b
)

select
    size,
    step,
    layer,
    language_a,
    language_b,
    others_a,
    others_b
from sums
where abs(others_a - others_b) > 1e-9
