-- Title:   Do mixed features help the half-trained model more than other features do?
-- Grain:   size, step, layer, full_step, b_pre, language, comparison
-- Reads:   steering_tests
-- Paper:   section 5.3: mixed features reduce perplexity more than those of one language
-- estimate: perplexity with the other features less perplexity with mixed ones, positive where
-- mixed features help more, as the paper claims. Verdicts and p_family (Holm's, over all rows
-- of an intervention) are those of `findings`.
with tests as (
    select
        *,
        two_sided_p(z) as p
    from steering_tests
),

judged as (
    select
        *,
        count(p) over intervention as n_tests,
        holm(p, list(p) over intervention) as p_family
    from tests
    window intervention as (partition by size, step, layer, full_step, b_pre)
)

select
    'steering' as finding,
    contrast as comparison,
    size,
    step,
    layer,
    full_step,
    b_pre,
    language,
    alpha,
    n_added,
    n_added_reference,
    n_draws,
    n_draws_reference,
    -estimate as estimate,
    -high as low,
    -low as high,
    p,
    p_family,
    n_tests,
    verdict(p_family, -estimate, false, null, null) as verdict,
    'this model, this autoencoder' as holds_for
from judged
