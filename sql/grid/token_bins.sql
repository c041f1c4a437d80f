-- Title:   In which frequency bin is each token, in documents of each language?
-- Grain:   language, token_id
-- Kept:    as a table, because several views read it
-- Reads:   tokens, vocab
-- The tokens of a bin occur in documents of one language, 1, 2 to 3, 4 to 7, ... times, and
-- are either all exclusive to that language or all not. Bins are numbered by language.
with counts as (
    select
        language,
        token_id,
        count(*) as n_occurrences
    from tokens
    group by language, token_id
),

marked as (
    select
        counts.language,
        counts.token_id,
        coalesce(vocab.language = counts.language, false) as is_exclusive,
        counts.n_occurrences
    from counts
    left join vocab on counts.token_id = vocab.token_id
)

select
    language,
    token_id,
    is_exclusive,
    n_occurrences,
    dense_rank() over (
        order by language, is_exclusive, floor(log2(n_occurrences))
    )::int as bin
from marked
