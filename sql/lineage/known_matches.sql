-- Title:   Which features of other cells are most like each feature, as far as they are matched?
-- Grain:   size, step, layer, feature, other_size, other_step, other_layer, other
-- Reads:   feature_matches, features, cells
-- The three best matches in each cell with which `bisae lineage` has matched the feature's,
-- earlier and later ones alike; of this store's own seed. Jaccard index of firings.
with of_own_seed as (
    select matches.*
    from feature_matches as matches
    inner join cells
        on
            matches.size_to = cells.size
            and matches.step_to = cells.step
            and matches.layer_to = cells.layer
            and matches.seed_to = cells.seed
),

both_ways as (
    select
        size,
        step,
        layer,
        feature,
        size_to as other_size,
        step_to as other_step,
        layer_to as other_layer,
        feature_to as other,
        n_both,
        jaccard,
        mutual
    from of_own_seed
    where rank is not null
    union all
    select
        size_to,
        step_to,
        layer_to,
        feature_to,
        size,
        step,
        layer,
        feature,
        n_both,
        jaccard,
        mutual
    from of_own_seed
    where rank_to is not null
)

select
    both_ways.size,
    both_ways.step,
    both_ways.layer,
    both_ways.feature,
    both_ways.other_size,
    both_ways.other_step,
    both_ways.other_layer,
    both_ways.other,
    others.language as other_language,
    both_ways.n_both,
    others.n_firings as n_firings_other,
    both_ways.jaccard,
    both_ways.mutual
from both_ways
inner join features as others
    on
        both_ways.other_size = others.size
        and both_ways.other_step = others.step
        and both_ways.other_layer = others.layer
        and both_ways.other = others.feature
