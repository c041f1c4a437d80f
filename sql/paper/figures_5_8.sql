-- Title:   How mixed and how monosemantic are the features of the largest and of the
--          smallest model, layer by layer?
-- Grain:   figure, step, layer
-- Reads:   figure_layers
-- Paper:   figures 5 (largest size) and 8 (smallest)
-- Population: alive features. Sizes are compared by their parameters; a single size is in
-- both figures.
select
    listed.figure,
    layers.size,
    layers.step,
    layers.layer,
    layers.tokens_seen,
    layers.relative_depth,
    layers.n_features,
    layers.mixed_share,
    layers.mixed_share_low,
    layers.mixed_share_high,
    layers.mixed_share_null,
    layers.mixed_share_paired,
    layers.mixed_share_exclusive,
    layers.mixed_share_exclusive_low,
    layers.mixed_share_exclusive_high,
    layers.monosemanticity,
    layers.monosemanticity_low,
    layers.monosemanticity_high,
    layers.monosemanticity_null
from figure_layers as layers
cross join
    lateral (
        values
        (5, layers.is_largest),
        (8, layers.is_smallest)
    ) as listed (figure, is_shown)
where listed.is_shown
order by listed.figure, layers.step, layers.layer
