-- Title:   How does steering with features change perplexity, and how uncertain is the change?
-- Grain:   size, step, layer, full_step, control, added, alpha, m, scale_back, b_pre, language
-- Reads:   intervention_intervals, interventions
-- Paper:   section 5
-- Means over draws; spread: their standard deviation. difference: from no steering;
-- difference_none: from b_pre alone; no interval if only one of several draws was measured.
with drawn as (
    select
        size,
        step,
        layer,
        full_step,
        control,
        added,
        alpha,
        m,
        scale_back,
        b_pre,
        language,
        any_value(n_tokens) as n_tokens,
        any_value(baseline) as baseline,
        list(perplexity order by draw) as perplexities,
        list(n_added order by draw) as n_added,
        list(added_norm order by draw) as added_norm,
        any_value(residual_norm) as residual_norm,
        list(active_per_token order by draw) as active_per_token
    from interventions
    group by
        size, step, layer, full_step, control, added, alpha, m, scale_back, b_pre, language
),

averaged as (
    select
        * exclude (n_added, added_norm, active_per_token),
        list_avg(perplexities) as perplexity,
        list_avg(n_added) as n_added,
        list_avg(added_norm) as added_norm,
        list_avg(active_per_token) as active_per_token,
        any_value(list_avg(perplexities)) filter (where added = 'none') over (
            partition by size, step, layer, full_step, alpha, scale_back, b_pre, language
        ) as perplexity_none
    from drawn
)

select
    averaged.size,
    averaged.step,
    averaged.layer,
    averaged.full_step,
    averaged.control,
    averaged.added,
    averaged.alpha,
    averaged.m,
    averaged.scale_back,
    averaged.b_pre,
    averaged.language,
    averaged.n_added,
    averaged.n_tokens,
    averaged.baseline,
    averaged.perplexity,
    averaged.added_norm,
    averaged.residual_norm,
    averaged.active_per_token,
    len(averaged.perplexities) as n_draws,
    list_stddev_samp(averaged.perplexities) as spread,
    averaged.perplexity - averaged.baseline as difference,
    intervals.difference_low,
    intervals.difference_high,
    averaged.perplexity - averaged.perplexity_none as difference_none,
    intervals.difference_none_low,
    intervals.difference_none_high
from averaged
left join intervention_intervals as intervals using (
    size, step, layer, full_step, control, added, alpha, m, scale_back, b_pre, language
)
