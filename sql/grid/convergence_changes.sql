-- Title:   Would each cell's mixed share still change with more training of its autoencoder?
-- Grain:   size, step, layer
-- Reads:   convergence
-- Everything is of the validation text, from half of the training text on. 0.05 is a quarter to
-- a half of the differences that the paper's findings are about.
with points as (
    select
        size,
        step,
        layer,
        max(n_tokens) as n_tokens,
        max(trained_tokens) filter (where measured_at = 'half') as trained_tokens_half,
        max(trained_tokens) filter (where measured_at = 'end') as trained_tokens_end,
        max(n_alive) filter (where measured_at = 'half') as n_alive_half,
        max(n_alive) filter (where measured_at = 'end') as n_alive_end,
        max(mixed_share) filter (where measured_at = 'half') as mixed_share_half,
        max(mixed_share) filter (where measured_at = 'end') as mixed_share_end,
        max(fvu) filter (where measured_at = 'half') as fvu_half,
        max(fvu) filter (where measured_at = 'end') as fvu_end
    from convergence
    group by size, step, layer
)

select
    size,
    step,
    layer,
    n_tokens,
    trained_tokens_half,
    trained_tokens_end,
    n_alive_half,
    n_alive_end,
    mixed_share_half,
    mixed_share_end,
    mixed_share_end - mixed_share_half as mixed_share_change,
    fvu_half,
    fvu_end,
    abs(mixed_share_end - mixed_share_half) > 0.05 as is_changing
from points
