-- Title:   Do the codes of a text and of its translation have something in common?
-- Grain:   comparison, of_size
-- Reads:   alignment_tests
-- Paper:   section 4.1, asked without classes of features
-- Verdicts and p_family (Holm's, over all tests) are those of `findings`.
with judged as (
    select
        *,
        count(p) over () as n_tests,
        holm(p, list(p) over ()) as p_family
    from alignment_tests
)

select
    'alignment' as finding,
    comparison,
    size as of_size,
    step,
    layer,
    n_pairs,
    estimate,
    low,
    high,
    p,
    p_family,
    n_tests,
    verdict(p_family, estimate, false, null, null) as verdict,
    'this model, this autoencoder, these pairs' as holds_for,
    untrained
from judged
