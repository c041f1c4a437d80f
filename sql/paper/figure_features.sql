-- Title:   Which features do figures 4 and 7 show?
-- Grain:   figure, panel, feature
-- Reads:   features, figure_panels
-- Picked by rule, where the paper picks by hand; two of each panel. Early: mixed features
-- of least monosemanticity; middle: of each language one of the highest; late: mixed ones
-- of the highest, those that are mixed on exclusive tokens first. Lower: least
-- monosemanticity; upper: longest spans. Supported features of three tokens or more; of
-- equal ones, that of more documents.
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
        if(panels.panel = 'middle', features.language, '') as place,
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
        partition by figure, panel, place
        order by shares_tokens asc, score desc, n_documents desc, feature asc
    ) <= if(panel = 'middle', 1, 2)
