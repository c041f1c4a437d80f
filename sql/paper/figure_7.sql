-- Title:   What do features of low and of high layers fire on?
-- Grain:   panel, feature, example
-- Reads:   figure_examples
-- Paper:   figure 7
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
    mean_span,
    n_firings,
    example,
    language,
    text
from figure_examples
where figure = 'figure_7'
order by panel, feature, example
