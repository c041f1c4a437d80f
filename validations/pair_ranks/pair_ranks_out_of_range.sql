-- Check:   Every rank is between 1 and the number of candidates
-- Why:     The translation is one of the candidates.
-- Guards:  retrieval: the rank of the true translation
-- Grain:   size, step, layer, source, language_a, language_b, pair
-- Reads:   pair_ranks
with counted as (
    select
        size,
        step,
        layer,
        source,
        language_a,
        language_b,
        pair,
        rank,
        -- By any source: where one lacks a rank, another check says so.
        count(distinct pair) over (
            partition by size, step, layer, language_a, language_b
        ) as n_candidates
    from pair_ranks
)

select
    size,
    step,
    layer,
    source,
    language_a,
    language_b,
    pair,
    rank,
    n_candidates
from counted
where (rank between 1 and n_candidates) is not true
