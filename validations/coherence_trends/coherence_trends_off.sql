-- Check:   The excess is coherence less its null, in its interval
-- Why:     It is the number that is read, with its interval.
-- Guards:  excess, excess_low, excess_high
-- Grain:   size, step, layer, population, source, token_set, kind
-- Reads:   coherence_trends
select
    size,
    step,
    layer,
    population,
    source,
    token_set,
    kind,
    coherence,
    coherence_null,
    excess,
    excess_low,
    excess_high
from coherence_trends
where
    (abs(coherence - coherence_null - excess) <= 1e-9) is not true
    or excess < excess_low - 1e-9
    or excess > excess_high + 1e-9
    or (excess_low is null) <> (n_features = 1)
