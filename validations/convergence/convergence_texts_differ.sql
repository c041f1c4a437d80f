-- Check:   All cells were measured on the same validation text, by the same thresholds
-- Why:     Otherwise a change would be one of the text or of the rule, not of the cell.
-- Guards:  convergence: one corpus and one firing rule per study
-- Grain:   size, step, layer, measured_at
-- Reads:   convergence
with usual as (
    select mode((n_tokens, firing_threshold, class_threshold)) as measured_by
    from convergence
),

compared as (
    select
        convergence.size,
        convergence.step,
        convergence.layer,
        convergence.measured_at,
        convergence.n_tokens,
        convergence.firing_threshold,
        convergence.class_threshold,
        usual.measured_by
    from convergence
    cross join usual
)

select
    size,
    step,
    layer,
    measured_at,
    n_tokens,
    firing_threshold,
    class_threshold
from compared
where (n_tokens, firing_threshold, class_threshold) is distinct from measured_by
