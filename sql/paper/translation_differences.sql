-- Title:   How does steering with a class of features change translations?
-- Grain:   size, step, layer, full_step, setting without draw, source_language,
--          target_language, metric
-- Reads:   translation_scores
-- Paper:   table 1
-- Means over draws; spread is their standard deviation. baseline: the score without steering;
-- difference: from it. difference_none: from b_pre alone at the same strength and scale. Lists
-- are in the order of draws, so that means do not depend on the order of the rows.
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
