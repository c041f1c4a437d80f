-- Check:   Every score covers all translations of its setting
-- Why:     A score of some pairs is a score of another text.
-- Guards:  table 1: translation
-- Grain:   size, step, layer, full_step, control, added, alpha, m, draw, scale_back, b_pre,
--          source_language, target_language
-- Reads:   translation_scores, translations
with listed as (
    select
        size,
        step,
        layer,
        full_step,
        control,
        added,
        alpha,
        m,
        draw,
        scale_back,
        b_pre,
        source_language,
        target_language,
        count(*) as n_translated,
        0 as n_pairs
    from translations
    group by all
    union all
    select
        size,
        step,
        layer,
        full_step,
        control,
        added,
        alpha,
        m,
        draw,
        scale_back,
        b_pre,
        source_language,
        target_language,
        0 as n_translated,
        n_pairs
    from translation_scores
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
    draw,
    scale_back,
    b_pre,
    source_language,
    target_language,
    sum(n_translated) as n_translated,
    max(n_pairs) as n_pairs
from listed
group by all
having
    sum(n_translated) <> max(n_pairs)
    or min(n_pairs) filter (where n_pairs > 0) <> max(n_pairs)
