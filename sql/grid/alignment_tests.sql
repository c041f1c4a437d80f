-- Title:   How much do the codes of a text and of its translation have in common, and how sure
--          is that?
-- Grain:   comparison, size
-- Reads:   retrieval_overall, pair_overlap, grid_cells
-- Middle layers at the last step. `retrieval`: the share of texts that find their translation
-- by their codes, less the share that find it by the tokens in common. `overlap`: the overlap
-- of active features of a text and its translation, less that of other pairings. The interval
-- is over pairs of texts. `untrained` is the same difference at step 0.
with differences as (
    select
        'retrieval by codes over tokens' as comparison,
        size,
        step,
        layer,
        n_pairs,
        over_tokens as estimate,
        over_tokens_low as low,
        over_tokens_high as high
    from retrieval_overall
    where source = 'codes'
    union all
    select
        concat('overlap over other pairings, ', language_a, ' and ', language_b) as comparison,
        size,
        step,
        layer,
        n_pairs,
        difference as estimate,
        difference_low as low,
        difference_high as high
    from pair_overlap
),

untrained as (
    select
        differences.comparison,
        differences.size,
        differences.layer,
        differences.estimate
    from differences
    inner join grid_cells as grid using (size, step, layer)
    where grid.tokens_seen = 0
)

select
    differences.*,
    untrained.estimate as untrained,
    (differences.high - differences.low) / (2 * z_95()) as standard_deviation,
    two_sided_p(differences.estimate / nullif(standard_deviation, 0)) as p
from differences
inner join grid_cells as grid using (size, step, layer)
left join untrained using (comparison, size, layer)
where grid.is_middle and grid.is_last_step and grid.tokens_seen > 0
