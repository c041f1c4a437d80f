-- Check:   Every pair of frequency bins has the mean cosine of its pairs of tokens
-- Why:     The null of coherence is made of these means.
-- Guards:  cosine: null only where the bins have no two different tokens
-- Grain:   source, bin_a, bin_b
-- Reads:   bin_cosines
select
    source,
    bin_a,
    bin_b,
    n_pairs,
    cosine
from bin_cosines
where
    bin_a > bin_b
    or language_a > language_b
    or (cosine is null) <> (n_pairs = 0)
    or cosine not between -1.001 and 1.001
