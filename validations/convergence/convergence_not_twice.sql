-- Check:   Every cell was measured after half of its training and at its end, once each
-- Why:     A cell with one row would pass for converged, or drop out of the comparison.
-- Guards:  convergence: rows at half of the training text and at its end
-- Grain:   size, step, layer
-- Reads:   convergence
with points as (
    select
        size,
        step,
        layer,
        list(measured_at order by measured_at) as points,
        max(trained_tokens) filter (where measured_at = 'half') as trained_tokens_half,
        max(trained_tokens) filter (where measured_at = 'end') as trained_tokens_end
    from convergence
    group by size, step, layer
)

select
    size,
    step,
    layer,
    points,
    trained_tokens_half,
    trained_tokens_end
from points
where
    (
        points = ['end', 'half']
        and trained_tokens_half <= trained_tokens_end
        and 2 * trained_tokens_half >= trained_tokens_end
    ) is not true
