-- Title:   Which features fire on the same tokens, in one cell or in two?
-- Grain:   size, step, layer, feature, other_size, other_step, other_layer, other
-- Reads:   firings, features
-- `jaccard`: tokens on which both fire, per token on which either fires. Select a feature
-- and the other cell: all firings of both cells are read.
with pairs as (
    select
        firings.size,
        firings.step,
        firings.layer,
        firings.feature,
        others.size as other_size,
        others.step as other_step,
        others.layer as other_layer,
        others.feature as other,
        count(*) as n_both
    from firings as others
    inner join firings on others.token_row = firings.token_row
    group by all
)

select
    pairs.size,
    pairs.step,
    pairs.layer,
    pairs.feature,
    pairs.other_size,
    pairs.other_step,
    pairs.other_layer,
    pairs.other,
    others.language as other_language,
    pairs.n_both,
    features.n_firings,
    others.n_firings as n_firings_other,
    pairs.n_both / (features.n_firings + others.n_firings - pairs.n_both) as jaccard
from pairs
inner join features using (size, step, layer, feature)
inner join features as others
    on
        pairs.other_size = others.size
        and pairs.other_step = others.step
        and pairs.other_layer = others.layer
        and pairs.other = others.feature
