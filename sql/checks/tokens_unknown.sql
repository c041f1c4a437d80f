-- Title:   Tokens of the text that are not in the vocabulary
-- Grain:   token_row
-- Reads:   tokens, vocab
select
    tokens.token_row,
    tokens.document,
    tokens.position,
    tokens.token_id
from tokens
anti join vocab on tokens.token_id = vocab.token_id
