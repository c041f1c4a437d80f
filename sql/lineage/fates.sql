-- Title:   What becomes of each feature in another cell, really, under the null and by seeds?
-- Grain:   kind, own_cell, other_cell, is_to, feature
-- Reads:   matched_features, cells
-- kind: `own`, between cells of this store; `null`, the same with documents permuted, of
-- features with odd numbers, since those with even ones gave the thresholds; `seeds`, the cell
-- of another seed. own_cell is the feature's. Unlearned features are left out.
select
    matched.size,
    matched.step,
    matched.layer,
    matched.size_to,
    matched.step_to,
    matched.layer_to,
    matched.is_to,
    matched.feature,
    matched.language_sure,
    matched.state,
    matched.best,
    matched.best_language_sure,
    matched.best_state,
    matched.jaccard,
    matched.threshold,
    matched.token_jaccard,
    matched.fate,
    case
        when matched.seed_to <> cells.seed then 'seeds'
        when matched.is_permuted then 'null'
        else 'own'
    end as kind,
    if(
        matched.is_to,
        cell_of(matched.size_to, matched.step_to, matched.layer_to),
        cell_of(matched.size, matched.step, matched.layer)
    ) as own_cell,
    if(
        matched.is_to,
        cell_of(matched.size, matched.step, matched.layer),
        cell_of(matched.size_to, matched.step_to, matched.layer_to)
    ) as other_cell,
    event_of(matched.fate, matched.is_to = (matched.step_to < matched.step)) as event
from matched_features as matched
inner join cells using (size, step, layer)
where
    matched.fate <> 'unlearned'
    and (matched.seed_to = cells.seed or not matched.is_to and not matched.is_permuted)
    and not (matched.is_permuted and matched.feature % 2 = 0)
