-- Check:   Every match has the overlap of its two features' firings
-- Why:     After a new export of one of the cells, `bisae lineage` has to run again.
-- Guards:  jaccard: common firings / firings of either; containment: common / own
-- Grain:   size, step, layer, seed_to, size_to, step_to, layer_to, feature, feature_to
-- Reads:   feature_matches, features, cells
-- Features of another seed are in another store, so those are not compared.
select
    matches.size,
    matches.step,
    matches.layer,
    matches.seed_to,
    matches.size_to,
    matches.step_to,
    matches.layer_to,
    matches.feature,
    matches.feature_to,
    matches.n_both,
    features.n_firings,
    features_to.n_firings as n_firings_to,
    matches.jaccard
from feature_matches as matches
inner join cells using (size, step, layer)
left join features using (size, step, layer, feature)
left join features as features_to
    on
        matches.size_to = features_to.size
        and matches.step_to = features_to.step
        and matches.layer_to = features_to.layer
        and matches.feature_to = features_to.feature
where
    matches.seed_to = cells.seed
    and (
        abs(matches.containment - matches.n_both / features.n_firings) < 1e-9
        and abs(matches.containment_to - matches.n_both / features_to.n_firings) < 1e-9
        and abs(
            matches.jaccard
            - matches.n_both
            / (features.n_firings + features_to.n_firings - matches.n_both)
        ) < 1e-9
    ) is not true
