-- Title:   In which language is each document, and in which under the null?
-- Grain:   document
-- Kept:    as a table, because several views read it
-- Reads:   tokens, settings
-- The null permutes the languages of documents: each document takes the language of the one
-- that has its rank in an order given by a seeded hash.
with languages as (
    select
        document,
        any_value(language) as language
    from tokens
    group by document
),

ranked as (
    select
        document,
        language,
        row_number() over (order by document) as rank,
        row_number() over (
            order by md5(concat((select null_seed from settings), ':', document)), document
        ) as permuted_rank
    from languages
)

select
    ranked.document,
    ranked.language,
    permuted.language as language_permuted
from ranked
inner join ranked as permuted on ranked.rank = permuted.permuted_rank
