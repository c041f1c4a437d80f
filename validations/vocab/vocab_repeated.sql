-- Check:   Every token of the vocabulary has one row
-- Why:     A token with two rows doubles whatever is joined to it.
-- Guards:  grain of vocab: one token id
-- Grain:   token_id
-- Reads:   vocab
select
    token_id,
    count(*) as n_rows
from vocab
group by token_id
having count(*) > 1
