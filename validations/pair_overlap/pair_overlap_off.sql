-- Check:   The difference of overlaps is that of its parts and lies in its interval
-- Why:     A comparison with texts that are paired at random reads the interval.
-- Guards:  pair_overlap: interval over pairs
-- Grain:   size, step, layer, language_a, language_b
-- Reads:   pair_overlap
select
    size,
    step,
    layer,
    language_a,
    language_b,
    overlap,
    overlap_repaired,
    difference_low,
    difference,
    difference_high
from pair_overlap
where
    abs(overlap - overlap_repaired - difference) > 1e-9
    or difference < difference_low
    or difference > difference_high
