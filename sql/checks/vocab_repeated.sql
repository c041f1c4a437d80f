-- Title:   Tokens that stand more than once in the vocabulary
-- Grain:   token_id
-- Reads:   vocab
select
    token_id,
    count(*) as n_rows
from vocab
group by token_id
having count(*) > 1
