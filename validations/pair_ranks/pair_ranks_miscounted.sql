-- Check:   By every source, each text with a translation has one rank
-- Why:     Sources are compared pair by pair, and chance is one in the number of pairs.
-- Guards:  grain of pair_ranks: source, direction and pair
-- Grain:   size, step, layer, source, language_a, language_b
-- Reads:   pair_ranks, pair_tokens
with texts as (
    select distinct
        pair,
        language
    from pair_tokens
),

expected as (
    select
        unnest(['codes', 'mixed', 'other', 'hidden', 'tokens']) as source,
        text_a.language as language_a,
        text_b.language as language_b,
        count(*) as n_pairs
    from texts as text_a
    inner join texts as text_b
        on text_a.pair = text_b.pair and text_a.language <> text_b.language
    group by text_a.language, text_b.language
),

cells_with_ranks as (
    select distinct
        size,
        step,
        layer
    from pair_ranks
),

ranked as (
    select
        size,
        step,
        layer,
        source,
        language_a,
        language_b,
        count(*) as n_rows,
        count(distinct pair) as n_pairs
    from pair_ranks
    group by size, step, layer, source, language_a, language_b
)

select
    cells_with_ranks.size,
    cells_with_ranks.step,
    cells_with_ranks.layer,
    expected.source,
    expected.language_a,
    expected.language_b,
    expected.n_pairs,
    ranked.n_pairs as n_ranked,
    ranked.n_rows
from expected
cross join cells_with_ranks
left join ranked
    on
        cells_with_ranks.size = ranked.size
        and cells_with_ranks.step = ranked.step
        and cells_with_ranks.layer = ranked.layer
        and expected.source = ranked.source
        and expected.language_a = ranked.language_a
        and expected.language_b = ranked.language_b
where
    expected.n_pairs is distinct from ranked.n_pairs
    or expected.n_pairs is distinct from ranked.n_rows
