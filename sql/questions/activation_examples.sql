-- Title:   Where does each feature fire most strongly, and in which context?
-- Grain:   size, step, layer, feature, rank
-- Reads:   firings, random_texts, settings, tokens, vocab
-- Paper:   figures 4 and 7
-- Without controls on random tokens, whose firings are on another text than `tokens`.
-- A feature's twenty strongest firings, equal ones in the order of the text. `context` is the
-- whole decoded document; `before` and `after` are its tokens, where a character that is split
-- over tokens belongs to the first: array_to_string(before[-3:], '') is the text of three.
with ranked as (
    select
        *,
        (token_row // (select context - 1 from settings))::integer as document,
        row_number() over (
            partition by size, step, layer, feature
            order by value desc, token_row asc
        ) as rank
    from firings
    anti join random_texts using (size)
    qualify rank <= 20
),

documents as (
    select
        ranked.*,
        any_value(tokens.language) as language,
        any_value(tokens.position) filter (where tokens.token_row = ranked.token_row)
            as position,
        any_value(vocab.token) filter (where tokens.token_row = ranked.token_row)
            as token,
        string_agg(
            escaped_token(vocab.token, tokens.token_id), chr(31) order by tokens.position
        ) as joined
    from tokens
    inner join ranked on tokens.document = ranked.document
    left join vocab on tokens.token_id = vocab.token_id
    group by all
),

decoded as (
    select
        *,
        decoded_tokens(joined) as texts
    from documents
)

select
    size,
    step,
    layer,
    feature,
    rank,
    value,
    token_row,
    document,
    position,
    language,
    token,
    texts[:position] as before,
    texts[position + 2:] as after,
    array_to_string(texts, '') as context
from decoded
