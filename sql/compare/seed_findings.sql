-- Title:   Do the paper's findings hold over autoencoders with different seeds?
-- Grain:   finding, comparison, of_size, measure
-- Reads:   seed_tests
-- Intervals are Student's; verdicts and p_family are those of `findings`.
with ranked as (
    select
        *,
        row_number() over (
            partition by finding order by p nulls last, comparison, of_size, measure
        ) as rank,
        count(p) over (partition by finding) as n_tests
    from seed_tests
),

judged as (
    select
        *,
        if(
            p is null,
            null,
            max(least(1, (n_tests - rank + 1) * p)) over (
                partition by finding order by rank rows unbounded preceding
            )
        ) as p_family,
        is_confounded(
            estimate, half, fvu_left, fvu_right, at_same_fvu, at_same_firings
        ) as confounded
    from ranked
)

select
    finding,
    comparison,
    of_size,
    measure,
    n_seeds,
    estimate,
    estimate - half as low,
    estimate + half as high,
    sd_documents,
    sd_seeds,
    p,
    p_family,
    n_tests,
    margin,
    verdict(p_family, estimate, confounded, half_90, margin) as verdict,
    fvu_left,
    fvu_right,
    at_same_fvu,
    at_same_firings
from judged
