-- Check:   Bins of token-set sizes do not overlap
-- Why:     A feature in two bins would have two rows.
-- Guards:  monosemanticity_null: one bin per number of tokens
-- Grain:   bin of token-set sizes
-- Reads:   mono_null
with ordered as (
    select
        n_tokens_low,
        n_tokens_high,
        lag(n_tokens_high) over (order by n_tokens_low, n_tokens_high) as n_tokens_before
    from mono_null
)

select
    n_tokens_low,
    n_tokens_high,
    n_tokens_before
from ordered
where n_tokens_high < n_tokens_low or n_tokens_low <= n_tokens_before
