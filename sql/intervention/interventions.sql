-- Title:   How well does the steered model predict the held-out text?
-- Grain:   full_step, control, added, alpha, m, draw, scale_back, b_pre, language; or `all`
-- Reads:   intervention_losses
-- Paper:   section 5: perplexity = exp(summed nll / tokens)
-- nll: nats, summed over tokens; baseline: the perplexity without steering. control: the
-- quantity that all classes share: the number of features (m), their firings, or the norm.
with summed as (
    select
        full_step,
        control,
        added,
        alpha,
        m,
        draw,
        scale_back,
        b_pre,
        coalesce(language, 'all') as language,
        any_value(n_added) as n_added,
        sum(n_tokens)::bigint as n_tokens,
        sum(nll::decimal(38, 9))::double as nll,
        sum((n_tokens * added_norm)::decimal(38, 9))::double as added_norm,
        sum((n_tokens * residual_norm)::decimal(38, 9))::double as residual_norm,
        sum((n_tokens * active_per_token)::decimal(38, 9))::double as active_per_token
    from intervention_losses
    group by grouping sets (
        (full_step, control, added, alpha, m, draw, scale_back, b_pre, language),
        (full_step, control, added, alpha, m, draw, scale_back, b_pre)
    )
),

compared as (
    select
        *,
        exp(nll / n_tokens) as perplexity,
        any_value(exp(nll / n_tokens)) filter (where added = 'baseline')
            over (partition by language) as baseline
    from summed
)

select
    full_step,
    control,
    added,
    alpha,
    m,
    draw,
    scale_back,
    b_pre,
    language,
    n_added,
    n_tokens,
    nll,
    perplexity,
    baseline,
    added_norm / n_tokens as added_norm,
    residual_norm / n_tokens as residual_norm,
    active_per_token / n_tokens as active_per_token
from compared
where added <> 'baseline'
