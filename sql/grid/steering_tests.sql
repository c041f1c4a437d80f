-- Title:   Which comparison of mixed with other features is nearest to the paper's?
-- Grain:   size, step, layer, full_step, b_pre, language, contrast
-- Reads:   intervention_contrasts
-- The measured setting nearest to the paper's alpha of 0.1, then to its m of 5,000, with the
-- equation as written; `same number` needs a setting in which both classes have that many
-- features.
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
)

select
    size,
    step,
    layer,
    full_step,
    b_pre,
    language,
    contrast,
    alpha,
    n_added,
    n_added_reference,
    n_draws,
    n_draws_reference,
    estimate,
    low,
    high,
    z
from fair
qualify row_number() over (
    partition by size, step, layer, full_step, b_pre, language, contrast
    order by abs(alpha - 0.1), alpha, abs(m - 5000), m
) = 1
