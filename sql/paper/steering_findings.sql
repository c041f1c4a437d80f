-- Title:   Do mixed features help the half-trained model more than other features do?
-- Grain:   size, step, layer, full_step, b_pre, language, comparison
-- Reads:   intervention_contrasts
-- Paper:   section 5.3: mixed features reduce perplexity more than those of one language
-- estimate: perplexity with the other features less perplexity with mixed ones, positive where
-- mixed features help more, as the paper claims. Verdicts and p_family (Holm's, over all rows
-- of an intervention) are those of `findings`. The setting is the measured one nearest to the
-- paper's alpha of 0.1, then to its m of 5,000, with the equation as written; `same number`
-- needs a setting in which both classes have that many features.
with fair as (
    select
        *,
        concat(
            'mixed against ',
            replace(reference, '_', ' '),
            case control
                when 'm' then ', same number'
                when 'norm' then ', same norm'
                when 'firings' then ', same firings'
            end
        ) as contrast
    from intervention_contrasts
    where
        measure = 'perplexity'
        and not scale_back
        and (control <> 'm' or n_added = n_added_reference)
),

nearest as (
    select *
    from fair
    qualify row_number() over (
        partition by size, step, layer, full_step, b_pre, language, contrast
        order by abs(alpha - 0.1), alpha, abs(m - 5000), m
    ) = 1
),

ranked as (
    select
        *,
        two_sided_p(z) as p,
        row_number() over (
            partition by size, step, layer, full_step, b_pre
            order by two_sided_p(z) nulls last, language, contrast
        ) as rank,
        count(z) over (partition by size, step, layer, full_step, b_pre) as n_tests
    from nearest
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
