-- Check:   Coherence and its null are mean cosines
-- Why:     Outside -1 to 1 sums were divided by another number of pairs; rows of vectors are
--          rounded to float16.
-- Guards:  coherence, coherence_null
-- Grain:   size, step, layer, feature, source, language_a, language_b, token_set
-- Reads:   coherence
select
    size,
    step,
    layer,
    feature,
    source,
    language_a,
    language_b,
    token_set,
    coherence,
    coherence_null
from coherence
where
    (coherence between -1.001 and 1.001) is not true
    or (coherence_null between -1.001 and 1.001) is not true
