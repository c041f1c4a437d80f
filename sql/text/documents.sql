-- Title:   Which language is each document in, and which under the null?
-- Grain:   document
-- Kept:    as a table, since several views read it
-- Reads:   tokens, settings
-- The null permutes the languages of documents: each takes that of the document with
-- its rank in an order drawn by a seeded hash.
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
        row_number() over (order by document) as place,
        row_number() over (
            order by md5(concat((select null_seed from settings), ':', document)), document
        ) as drawn
    from languages
)

select
    here.document,
    here.language,
    other.language as language_permuted
from ranked as here
inner join ranked as other on here.place = other.drawn
