-- Title:   How much do two features of different cells fire on the same tokens?
-- Grain:   feature, feature_to; pairs that share a firing
-- Kept:    as a table, because several views read it
-- Reads:   some_firings, side_firings, side_features
-- With F the tokens on which a feature fires: jaccard = |F and F_to| / |F or F_to|,
-- containment = |F and F_to| / |F|, containment_to = |F and F_to| / |F_to|. held: containment
-- in a feature that is not dense, since a dense one holds whatever fires in its language;
-- held_to: the same from the other side.
with common as (
    select
        some_firings.feature,
        side_firings.feature as feature_to,
        count(*)::integer as n_both
    from side_firings
    inner join some_firings on side_firings.token_row = some_firings.token_row
    where side_firings.is_to
    group by some_firings.feature, side_firings.feature
)

select
    common.feature,
    common.feature_to,
    common.n_both,
    common.n_both
    / (side_from.n_firings + side_to.n_firings - common.n_both) as jaccard,
    common.n_both / side_from.n_firings as containment,
    common.n_both / side_to.n_firings as containment_to,
    if(is_dense(side_to.density), 0, common.n_both / side_from.n_firings) as held,
    if(is_dense(side_from.density), 0, common.n_both / side_to.n_firings) as held_to
from common
inner join side_features as side_from
    on common.feature = side_from.feature and not side_from.is_to
inner join side_features as side_to
    on common.feature_to = side_to.feature and side_to.is_to
