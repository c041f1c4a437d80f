-- Check:   A feature has no more pairs of firings than its firings allow
-- Why:     The number of pairs weights languages against each other.
-- Guards:  n_pairs: pairs of firings on different tokens, each counted once
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
    n_firings_a,
    n_firings_b,
    n_pairs
from coherence
where
    n_pairs < 1
    or language_a > language_b
    or n_pairs > if(
        language_a = language_b,
        n_firings_a * (n_firings_a - 1) // 2,
        n_firings_a * n_firings_b
    )
