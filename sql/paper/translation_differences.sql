-- Title:   What does adding a class of features do to translations?
-- Grain:   size, step, layer, full_step, setting but draw, source_language, target_language, metric
-- Reads:   translation_scores
-- Paper:   table 1
-- Means over draws, spread: their standard deviation. baseline: the score with nothing
-- added, difference: to it. difference_none: to b_pre alone, as strong and scaled alike. Lists
-- in the order of draws: a mean that hangs on no other order.
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
        source_language,
        target_language,
        metric,
        any_value(n_pairs) as n_pairs,
        list(score order by draw) as scores
    from translation_scores
    group by
        size, step, layer, full_step, control, added, alpha, m, scale_back, b_pre,
        source_language, target_language, metric
),

averaged as (
    select
        *,
        list_avg(scores) as score,
        any_value(list_avg(scores)) filter (where added = 'baseline') over (
            partition by
                size, step, layer, full_step, source_language, target_language, metric
        ) as baseline,
        any_value(list_avg(scores)) filter (where added = 'none') over (
            partition by
                size, step, layer, full_step, alpha, scale_back, b_pre,
                source_language, target_language, metric
        ) as score_none
    from drawn
)

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
    source_language,
    target_language,
    metric,
    n_pairs,
    len(scores) as n_draws,
    score,
    list_stddev_samp(scores) as spread,
    baseline,
    score - baseline as difference,
    score - score_none as difference_none
from averaged
order by
    size, step, layer, full_step, control, added, alpha, m, scale_back, b_pre,
    source_language, target_language, metric
