-- Title:   Do mixed features help the half-trained model more than other features do?
-- Grain:   size, step, layer, full_step, b_pre, language, comparison
-- Reads:   steering_tests
-- Paper:   section 5.3: mixed features reduce perplexity more than those of one language
-- estimate: perplexity with the other features less perplexity with mixed ones, positive where
-- mixed features help more, as the paper claims. Verdicts and p_family (Holm's, over all rows
-- of an intervention) are those of `findings`.
with ranked as (
    select
        *,
        two_sided_p(z) as p,
        row_number() over (
            partition by size, step, layer, full_step, b_pre
            order by two_sided_p(z) nulls last, language, contrast
        ) as rank,
        count(z) over (partition by size, step, layer, full_step, b_pre) as n_tests
    from steering_tests
),

judged as (
    select
        *,
        if(
            p is null,
            null,
            max(least(1, (n_tests - rank + 1) * p)) over (
                partition by size, step, layer, full_step, b_pre
                order by rank rows unbounded preceding
            )
        ) as p_family
    from ranked
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
