-- Check:   Ranks by hidden states are those of the table of all ranks
-- Why:     The table of all ranks is what every comparison reads.
-- Guards:  retrieval: the source hidden
-- Grain:   size, step, layer, language_a, language_b, pair
-- Reads:   hidden_ranks, pair_ranks
select
    hidden_ranks.size,
    hidden_ranks.step,
    hidden_ranks.layer,
    hidden_ranks.language_a,
    hidden_ranks.language_b,
    hidden_ranks.pair,
    hidden_ranks.rank,
    pair_ranks.rank as rank_of_all
from hidden_ranks
left join pair_ranks
    on
        hidden_ranks.size = pair_ranks.size
        and hidden_ranks.step = pair_ranks.step
        and hidden_ranks.layer = pair_ranks.layer
        and hidden_ranks.language_a = pair_ranks.language_a
        and hidden_ranks.language_b = pair_ranks.language_b
        and hidden_ranks.pair = pair_ranks.pair
        and pair_ranks.source = 'hidden'
where hidden_ranks.rank is distinct from pair_ranks.rank
