-- Title:   How often does a text retrieve its translation, over all directions?
-- Grain:   size, step, layer, source
-- Reads:   pair_ranks
-- The unit is the pair, whose value is the share of its directions in which the rank is 1.
-- Wilson's interval holds for such shares too, and is then conservative. `over_tokens` is
-- p_at_1 less that of the source `tokens`, paired.
with candidates as (
    select
        size,
        step,
        layer,
        language_a,
        language_b,
        count(*) as n
    from pair_ranks
    where source = 'tokens'
    group by size, step, layer, language_a, language_b
),

pairs as (
    select
        ranks.size,
        ranks.step,
        ranks.layer,
        ranks.source,
        ranks.pair,
        avg((ranks.rank = 1)::integer) as hit,
        avg(1 / candidates.n) as chance,
        avg((ranks.rank = 1)::integer - (tokens.rank = 1)::integer) as over_tokens
    from pair_ranks as ranks
    inner join pair_ranks as tokens
        using (size, step, layer, language_a, language_b, pair)
    inner join candidates using (size, step, layer, language_a, language_b)
    where tokens.source = 'tokens'
    group by ranks.size, ranks.step, ranks.layer, ranks.source, ranks.pair
),

sums as (
    select
        size,
        step,
        layer,
        source,
        count(*) as n_pairs,
        (sum(hit::decimal(18, 15)) / count(*))::double as p_at_1,
        (sum(chance::decimal(18, 15)) / count(*))::double as chance_p_at_1,
        sum(over_tokens::decimal(18, 15))::double as over_tokens,
        sum((over_tokens ^ 2)::decimal(18, 15))::double as over_tokens_square
    from pairs
    group by size, step, layer, source
)

select
    size,
    step,
    layer,
    source,
    n_pairs,
    p_at_1,
    wilson_low(p_at_1, n_pairs) as p_at_1_low,
    wilson_high(p_at_1, n_pairs) as p_at_1_high,
    chance_p_at_1,
    over_tokens / n_pairs as over_tokens,
    paired_low(over_tokens, over_tokens_square, n_pairs) as over_tokens_low,
    paired_high(over_tokens, over_tokens_square, n_pairs) as over_tokens_high
from sums
