-- Title:   What do features fire on, early, in the middle and late in training?
-- Grain:   panel, feature, example
-- Reads:   figure_examples, figure_features
-- Paper:   figure 4
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
    chosen.n_firings,
    examples.example,
    examples.language,
    examples.text
from figure_examples as examples
inner join figure_features as chosen using (figure, panel, feature)
where examples.figure = 4
order by
    list_position(['early', 'middle', 'late'], chosen.panel),
    chosen.language,
    chosen.feature,
    examples.example
