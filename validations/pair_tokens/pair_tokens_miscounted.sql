-- Check:   Every token of a text of a pair is counted once, and occurs
-- Why:     The baseline of retrieval compares these counts.
-- Guards:  grain of pair_tokens: pair, language and token_id
-- Grain:   pair, language, token_id
-- Reads:   pair_tokens
select
    pair,
    language,
    token_id,
    count(*) as n_rows,
    min(n_tokens) as n_tokens
from pair_tokens
group by pair, language, token_id
having count(*) > 1 or min(n_tokens) < 1
