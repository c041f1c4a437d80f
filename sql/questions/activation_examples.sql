-- Title:   Where does a feature fire most strongly, and what stands around it?
-- Grain:   size, step, layer, feature, rank
-- Reads:   firings, settings, tokens, vocab
-- Paper:   figures 4 and 7
-- A feature's twenty strongest firings, equal ones in the text's order; `before` and
-- `after` hold the rest of the document: array_to_string(before[-3:], '') is the text of
-- three tokens. Asked for a cell or a feature, it reads no other cell.
with ranked as (
    select
        size,
        step,
        layer,
        feature,
        token_row,
        value,
        (token_row // (select context - 1 from settings))::integer as document,
        row_number() over (
            partition by size, step, layer, feature
            order by value desc, token_row asc
        ) as rank
    from firings
    qualify rank <= 20
),

told as (
    select
        ranked.size,
        ranked.step,
        ranked.layer,
        ranked.feature,
        ranked.rank,
        any_value(ranked.value) as value,
        any_value(ranked.token_row) as token_row,
        any_value(tokens.document) as document,
        any_value(tokens.language) as language,
        any_value(tokens.position) filter (where tokens.token_row = ranked.token_row)
            as position,
        list(vocab.token order by tokens.position) as words
    from tokens
    inner join ranked on tokens.document = ranked.document
    inner join vocab on tokens.token_id = vocab.token_id
    group by ranked.size, ranked.step, ranked.layer, ranked.feature, ranked.rank
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
    words[position + 1] as token,
    words[:position] as before,
    words[position + 2:] as after
from told
