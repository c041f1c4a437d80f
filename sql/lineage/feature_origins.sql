-- Title:   What was each feature of the last step at each earlier step?
-- Grain:   kind, size, layer, step, feature; supported, learned features of the last step
-- Reads:   fates, cell_pairs, grid_cells
-- kind: `own`, `null` with documents permuted, or `seeds`, what it is for another seed at the
-- last step. origin: the state of a matched feature (monolingual, mixed or polysemantic);
-- `partial` after a split, a merge, widening or narrowing; `unclear`; `unmatched`, which a
-- confirmed birth is too.
with backwards as (
    select fates.*
    from fates
    inner join cell_pairs using (size, step, layer, size_to, step_to, layer_to)
    where fates.kind in ('own', 'null') and fates.is_to and cell_pairs.is_last_step
    union all
    select fates.*
    from fates
    inner join grid_cells using (size, step, layer)
    where
        fates.kind = 'seeds'
        and fates.own_cell = fates.other_cell
        and grid_cells.is_last_step
)

select
    kind,
    size,
    layer,
    step,
    feature,
    if(state = 'monolingual', 'monolingual', 'mixed') as last_class,
    best,
    best_state,
    case
        when fate = 'match' then best_state
        when fate in ('unclear', 'unmatched') then fate
        else 'partial'
    end as origin
from backwards
