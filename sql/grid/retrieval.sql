-- Title:   How often does a text retrieve its translation among all candidates?
-- Grain:   size, step, layer, source, language_a, language_b
-- Reads:   pair_ranks
-- From texts in language_a to texts in language_b. `mrr` is the mean of 1 / rank; by chance
-- every rank is equally likely. Intervals are over pairs: Wilson's for p_at_1, the normal
-- one for mrr. `over_tokens` is p_at_1 less that of the source `tokens`, paired.
with ranks as (
    select
        ranks.size,
        ranks.step,
        ranks.layer,
        ranks.source,
        ranks.language_a,
        ranks.language_b,
        1 / ranks.rank as reciprocal,
        (ranks.rank = 1)::integer as hit,
        (ranks.rank = 1)::integer - (tokens.rank = 1)::integer as over_tokens
    from pair_ranks as ranks
    inner join pair_ranks as tokens
        on
            ranks.size = tokens.size
            and ranks.step = tokens.step
            and ranks.layer = tokens.layer
            and ranks.language_a = tokens.language_a
            and ranks.language_b = tokens.language_b
            and ranks.pair = tokens.pair
    where tokens.source = 'tokens'
),

sums as (
    select
        size,
        step,
        layer,
        source,
        language_a,
        language_b,
        count(*) as n_pairs,
        sum(hit) / count(*) as p_at_1,
        sum(reciprocal::decimal(18, 15))::double / count(*) as mrr,
        sum((reciprocal ^ 2)::decimal(18, 15))::double / count(*) as mrr_square,
        sum(over_tokens) as over_tokens,
        sum(over_tokens ^ 2) as over_tokens_square
    from ranks
    group by size, step, layer, source, language_a, language_b
)

select
    size,
    step,
    layer,
    source,
    language_a,
    language_b,
    n_pairs,
    p_at_1,
    wilson_low(p_at_1, n_pairs) as p_at_1_low,
    wilson_high(p_at_1, n_pairs) as p_at_1_high,
    1 / n_pairs as chance_p_at_1,
    mrr,
    mrr - normal_half(mrr, mrr_square, n_pairs) as mrr_low,
    mrr + normal_half(mrr, mrr_square, n_pairs) as mrr_high,
    list_sum([1 / rank for rank in range(1, n_pairs + 1)]) / n_pairs as chance_mrr,
    over_tokens / n_pairs as over_tokens,
    paired_low(over_tokens, over_tokens_square, n_pairs) as over_tokens_low,
    paired_high(over_tokens, over_tokens_square, n_pairs) as over_tokens_high
from sums
