-- Title:   How mixed and how monosemantic are the smallest model's features, layer by layer?
-- Grain:   step, layer
-- Reads:   figure_layers
-- Paper:   figure 8
-- Population: alive features. The smallest by parameters; of one size alone, that one.
select
    size,
    step,
    layer,
    tokens_seen,
    relative_depth,
    n_features,
    mixed_share,
    mixed_share_low,
    mixed_share_high,
    mixed_share_null,
    mixed_share_exclusive,
    mixed_share_exclusive_low,
    mixed_share_exclusive_high,
    monosemanticity,
    monosemanticity_low,
    monosemanticity_high,
    monosemanticity_null
from figure_layers
where is_smallest
order by step, layer
