-- Title:   What do features of low and of high layers fire on?
-- Grain:   panel, feature, example
-- Reads:   figure_examples, figure_features
-- Paper:   figure 7
-- For the choice of cells, features and examples see figure_panels, figure_features and
-- figure_tokens.
select
    chosen.panel,
    chosen.size,
    chosen.step,
    chosen.layer,
    chosen.feature,
    chosen.language as class,
    chosen.language_exclusive as class_exclusive,
    chosen.monosemanticity,
    chosen.mean_span,
    chosen.n_firings,
    examples.example,
    examples.language,
    examples.text
from figure_examples as examples
inner join figure_features as chosen using (figure, panel, feature)
where examples.figure = 7
order by chosen.panel, chosen.feature, examples.example
