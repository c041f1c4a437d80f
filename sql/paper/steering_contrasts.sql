-- Title:   Do mixed features help the half-trained model more than other features do?
-- Grain:   size, step, layer, full_step, b_pre, language, comparison
-- Reads:   intervention_contrasts
-- Paper:   section 5.3: mixed features reduce perplexity more than those of one language
-- estimate: perplexity with the other features less perplexity with mixed ones, positive where
-- mixed features help more, as the paper claims. The verdict is `yes` if the whole interval is
-- above 0, `no` if it is below. The setting is the measured one nearest to the paper's alpha
-- of 0.1, then to its m of 5,000, with the equation as written; `same number` needs a setting
-- in which both classes have that many features.
with fair as (
    select
        *,
        'steering' as finding,
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
)

select
    size,
    step,
    layer,
    full_step,
    b_pre,
    language,
    finding,
    contrast as comparison,
    measure,
    alpha,
    n_added,
    n_added_reference,
    n_draws,
    n_draws_reference,
    -estimate as estimate,
    -high as low,
    -low as high,
    -z as z,
    case
        when high < 0 then 'yes'
        when low > 0 then 'no'
        when estimate is not null then 'undecided'
    end as verdict
from nearest
