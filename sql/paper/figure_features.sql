-- Title:   Which features do figures 4 and 7 show?
-- Grain:   figure, panel, feature
-- Reads:   features, figure_panels
-- Chosen by rule, where the paper chooses by hand; two per panel. Early: mixed features with
-- the lowest monosemanticity; middle: per language the feature with the highest; late: mixed
-- features with the highest, first those that are mixed on exclusive tokens. Lower: lowest
-- monosemanticity; upper: longest spans. Supported features with three or more tokens; of
-- two equal ones, that with more documents.
with candidates as (
    select
        panels.figure,
        panels.panel,
        features.size,
        features.step,
        features.layer,
        features.feature,
        features.language,
        features.language_exclusive,
        features.monosemanticity,
        features.mean_span,
        features.n_documents,
        features.n_firings,
        if(panels.panel = 'middle', features.language, '') as slot,
        panels.panel = 'late' and coalesce(features.language_exclusive, '') <> 'mixed'
            as shares_tokens,
        case panels.panel
            when 'early' then -features.monosemanticity
            when 'lower' then -features.monosemanticity
            when 'upper' then features.mean_span
            else features.monosemanticity
        end as score
    from features
    inner join figure_panels as panels using (size, step, layer)
    where
        features.supported
        and features.n_tokens >= 3
        and (panels.panel not in ('early', 'late') or features.language = 'mixed')
        and (panels.panel <> 'middle' or features.language <> 'mixed')
)

select
    figure,
    panel,
    size,
    step,
    layer,
    feature,
    language,
    language_exclusive,
    monosemanticity,
    mean_span,
    n_documents,
    n_firings
from candidates
qualify
    row_number() over (
        partition by figure, panel, slot
        order by shares_tokens asc, score desc, n_documents desc, feature asc
    ) <= if(panel = 'middle', 1, 2)
