-- Title:   Do the codes of a text and of its translation have something in common?
-- Grain:   comparison, of_size
-- Reads:   alignment_tests
-- Paper:   section 4.1, asked without classes of features
-- Verdicts and p_family (Holm's, over all tests) are those of `findings`.
with ranked as (
    select
        *,
        row_number() over (order by p nulls last, comparison, size) as rank,
        count(p) over () as n_tests
    from alignment_tests
),

judged as (
    select
        *,
        if(
            p is null,
            null,
            max(least(1, (n_tests - rank + 1) * p)) over (
                order by rank rows unbounded preceding
            )
        ) as p_family
    from ranked
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
