-- Title:   What do features fire on, early, in the middle and late in training?
-- Grain:   panel, feature, example
-- Reads:   figure_examples
-- Paper:   figure 4
-- For the choice of cells, features and examples see figure_panels, figure_features and
-- figure_tokens.
select
    panel,
    size,
    step,
    layer,
    feature,
    class,
    class_exclusive,
    monosemanticity,
    n_firings,
    example,
    language,
    text
from figure_examples
where figure = 'figure_4'
order by
    list_position(['early', 'middle', 'late'], panel),
    class,
    feature,
    example
