-- Title:   What does adding a class of features change, by strength and number?
-- Grain:   size, step, layer, full_step, control, alpha, m, added, language
-- Reads:   interventions
-- Paper:   table 4
-- Means over draws, spread: their standard deviation. difference: to the model with
-- nothing added; difference_none: to b_pre alone, m = 0. b_pre is on, scale_back off: the
-- equation as written. Lists in the order of draws, not decimals: a perplexity may be too large.
with measured as (
    select
        size,
        step,
        layer,
        full_step,
        control,
        alpha,
        m,
        added,
        language,
        any_value(baseline) as baseline,
        list(perplexity order by draw) as perplexities
    from interventions
    where b_pre and not scale_back
    group by size, step, layer, full_step, control, alpha, m, added, language
),

averaged as (
    select
        *,
        list_avg(perplexities) as perplexity,
        any_value(list_avg(perplexities)) filter (where added = 'none') over (
            partition by size, step, layer, full_step, alpha, language
        ) as perplexity_none
    from measured
)

select
    size,
    step,
    layer,
    full_step,
    control,
    alpha,
    m,
    added,
    language,
    len(perplexities) as n_draws,
    perplexity,
    list_stddev_samp(perplexities) as spread,
    baseline,
    perplexity - baseline as difference,
    perplexity - perplexity_none as difference_none
from averaged
order by size, step, layer, full_step, control, alpha, m, added, language
