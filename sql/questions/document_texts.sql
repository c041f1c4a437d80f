-- Title:   What is the text of each document, token by token?
-- Grain:   document
-- Reads:   tokens, vocab
-- `texts` has what each token adds; a character that is split over tokens belongs to the
-- first of them, and the others add nothing.
with joined as (
    select
        tokens.document,
        any_value(tokens.language) as language,
        string_agg(
            escaped_token(vocab.token, tokens.token_id), chr(31) order by tokens.position
        ) as text
    from tokens
    left join vocab on tokens.token_id = vocab.token_id
    group by tokens.document
)

select
    document,
    language,
    decoded_tokens(text) as texts
from joined
