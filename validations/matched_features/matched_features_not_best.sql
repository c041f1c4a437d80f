-- Check:   The overlap of every feature is that of its best match
-- Why:     The events of features come from one table, the matches shown from the other.
-- Guards:  best, jaccard, is_mutual of matched_features
-- Grain:   size, step, layer, seed_to, size_to, step_to, layer_to, feature
-- Reads:   matched_features, feature_matches
select
    features.size,
    features.step,
    features.layer,
    features.seed_to,
    features.size_to,
    features.step_to,
    features.layer_to,
    features.feature,
    features.best,
    features.jaccard,
    matches.feature_to
from matched_features as features
left join feature_matches as matches
    on
        features.size = matches.size
        and features.step = matches.step
        and features.layer = matches.layer
        and features.seed_to = matches.seed_to
        and features.size_to = matches.size_to
        and features.step_to = matches.step_to
        and features.layer_to = matches.layer_to
        and features.feature = matches.feature
        and matches.rank = 1
where
    not features.is_to
    and not features.is_permuted
    and (
        features.best is distinct from matches.feature_to
        or features.jaccard is distinct from coalesce(matches.jaccard, 0)
        or features.is_mutual is distinct from coalesce(matches.mutual, false)
    )
