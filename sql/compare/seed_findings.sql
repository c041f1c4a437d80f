-- Title:   Do the paper's findings hold over autoencoders with different seeds?
-- Grain:   finding, comparison, of_size, measure
-- Reads:   seed_tests
-- Intervals are Student's; verdicts and p_family are those of `findings`.
with judged as (
    select
        *,
        count(p) over (partition by finding) as n_tests,
        holm(p, list(p) over (partition by finding)) as p_family,
        is_confounded(
            estimate, half, fvu_left, fvu_right, at_same_fvu, at_same_firings
        ) as confounded
    from seed_tests
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
