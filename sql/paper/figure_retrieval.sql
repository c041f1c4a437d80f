-- Title:   Do texts retrieve their translations, ever better in training and in larger models?
-- Grain:   size, step, source
-- Reads:   controls, grid_cells, retrieval_overall
-- Each size's middle layer. The source `tokens` is the baseline of tokens in common, which
-- is the same in every cell.
with in_controls as (
    select
        controls.of_size as size,
        controls.of_step as step,
        controls.layer,
        retrieval_overall.source,
        max(retrieval_overall.p_at_1) filter (where controls.control = 'random decoder')
            as p_at_1_random_decoder,
        max(retrieval_overall.p_at_1) filter (where controls.control = 'shuffled weights')
            as p_at_1_shuffled_weights,
        max(retrieval_overall.p_at_1) filter (where controls.control = 'random tokens')
            as p_at_1_random_tokens
    from retrieval_overall
    inner join controls using (size, step, layer)
    where controls.control <> 'untrained'
    group by all
)

select
    grid.size,
    grid.step,
    grid.layer,
    grid.n_params,
    grid.tokens_seen,
    grid.tokens_first,
    grid.tokens_drawn,
    retrieval.source,
    retrieval.n_pairs,
    retrieval.p_at_1,
    retrieval.p_at_1_low,
    retrieval.p_at_1_high,
    retrieval.chance_p_at_1,
    tokens.p_at_1 as p_at_1_tokens,
    retrieval.over_tokens,
    retrieval.over_tokens_low,
    retrieval.over_tokens_high,
    in_controls.p_at_1_random_decoder,
    in_controls.p_at_1_shuffled_weights,
    in_controls.p_at_1_random_tokens
from retrieval_overall as retrieval
inner join retrieval_overall as tokens
    on
        retrieval.size = tokens.size
        and retrieval.step = tokens.step
        and retrieval.layer = tokens.layer
inner join grid_cells as grid
    on
        retrieval.size = grid.size
        and retrieval.step = grid.step
        and retrieval.layer = grid.layer
left join in_controls
    on
        retrieval.size = in_controls.size
        and retrieval.step = in_controls.step
        and retrieval.layer = in_controls.layer
        and retrieval.source = in_controls.source
where grid.is_middle and tokens.source = 'tokens' and retrieval.source <> 'tokens'
order by grid.n_params, grid.size, grid.step, retrieval.source
