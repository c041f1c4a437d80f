-- Check:   Every token of the text is in the vocabulary
-- Why:     A token that the vocabulary lacks cannot be shown.
-- Guards:  vocab: one token id
-- Grain:   token_row
-- Reads:   tokens, vocab
select
    tokens.token_row,
    tokens.document,
    tokens.position,
    tokens.token_id
from tokens
anti join vocab on tokens.token_id = vocab.token_id
