-- Title:   At which step does each feature of the last step emerge?
-- Grain:   size, layer, feature; supported, learned features of the last step
-- Reads:   fates, cell_pairs, grid_cells
-- The first step at which the best Jaccard index is half of its ceiling, and above half of the
-- threshold of a match. The ceiling is the index with another seed at the last step, or 1
-- without another seed (`ceiling` is null). Null: at no step before the last, so later than the
-- others (right-censored). is_first: at the first step of the grid, so perhaps before
-- (left-censored).
with ceilings as (
    select
        fates.size,
        fates.layer,
        fates.feature,
        fates.jaccard as ceiling
    from fates
    inner join grid_cells using (size, step, layer)
    where
        fates.kind = 'seeds'
        and fates.own_cell = fates.other_cell
        and grid_cells.is_last_step
),

followed as (
    select
        fates.size,
        fates.layer,
        fates.step,
        fates.feature,
        fates.jaccard >= greatest(coalesce(ceilings.ceiling, 1), fates.threshold) / 2
            as is_there,
        ceilings.ceiling,
        min(fates.step) over (partition by fates.size, fates.layer) as first_step
    from fates
    inner join cell_pairs using (size, step, layer, size_to, step_to, layer_to)
    left join ceilings using (size, layer, feature)
    where fates.kind = 'own' and fates.is_to and cell_pairs.is_last_step
)

select
    size,
    layer,
    feature,
    any_value(ceiling) as ceiling,
    min(step) filter (where is_there) as step,
    bool_or(step = first_step and is_there) as is_first
from followed
group by size, layer, feature
