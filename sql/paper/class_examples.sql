-- Title:   What do features of each class fire on?
-- Grain:   feature, example
-- Reads:   figure_examples
-- Two features of each class, chosen at random (figure_features), in the largest model's
-- middle layer at its last step.
select
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
where figure = 'class_examples'
order by class, feature, example
