-- Title:   Which features fire on so many tokens that they say little of each?
-- Grain:   size, step, layer, feature; dense features
-- Reads:   features, cells
-- density: the share of all tokens on which the feature fires, more than a tenth.
select
    features.size,
    features.step,
    features.layer,
    features.feature,
    features.n_firings / cells.n_eval_tokens as density
from features
inner join cells using (size, step, layer)
where is_dense(features.n_firings / cells.n_eval_tokens)
