-- Title:   Which features do figures 4 and 7 show, and the examples of each class?
-- Grain:   figure, panel, feature
-- Reads:   features, figure_panels
-- Chosen by rule, where the paper chooses by hand; two per panel. Early: mixed features with
-- the lowest monosemanticity; middle: per language the feature with the highest; late: mixed
-- features with the highest, first those that are mixed on exclusive tokens. Lower: lowest
-- monosemanticity; upper: longest spans; of two equal ones, that with more documents. These
-- have three or more tokens. Random: per class two features, without regard to their values.
-- All are supported.
with candidates as (
    select
        panels.figure,
        panels.panel,
        features.*,
        if(panels.panel in ('middle', 'random'), features.language, '') as slot,
        panels.panel = 'late' and coalesce(features.language_exclusive, '') <> 'mixed'
            as shares_tokens,
        case panels.panel
            when 'early' then -features.monosemanticity
            when 'lower' then -features.monosemanticity
            when 'upper' then features.mean_span
            when 'random' then features.feature * 2654435761 % 4294967296
            else features.monosemanticity
        end as score
    from features
    inner join figure_panels as panels using (size, step, layer)
    where
        features.supported
        and (features.n_tokens >= 3 or panels.panel = 'random')
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
    language as class,
    language_exclusive as class_exclusive,
    monosemanticity,
    mean_span,
    n_firings,
    max_value
from candidates
qualify
    row_number() over (
        partition by figure, panel, slot
        order by shares_tokens asc, score desc, n_documents desc, feature asc
    ) <= if(panel = 'middle', 1, 2)
