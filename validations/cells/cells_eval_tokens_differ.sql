-- Check:   Every cell is evaluated on every evaluation token
-- Why:     Cells evaluated on different text cannot be compared.
-- Guards:  the split eval, on which all feature statistics are computed
-- Grain:   size, step, layer
-- Reads:   cells, tokens
with evaluated as (
    select count(*) as n_tokens
    from tokens
)

select
    cells.size,
    cells.step,
    cells.layer,
    cells.n_eval_tokens,
    evaluated.n_tokens
from cells
cross join evaluated
where cells.n_eval_tokens is distinct from evaluated.n_tokens
