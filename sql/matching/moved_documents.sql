-- Title:   In place of which document does each document stand, really and under the null?
-- Grain:   is_permuted, document
-- Kept:    as a table, because several views read it
-- Reads:   tokens, settings
-- The null permutes documents within their language: each stands in place of the next one, in
-- the order of their lengths, so that its tokens stand in place of tokens, and within a length
-- in an order given by a seeded hash. Rates and languages of features stay, their content goes.
with documents as (
    select
        document,
        any_value(language) as language,
        count(*) as n_tokens
    from tokens
    group by document
),

ranked as (
    select
        document,
        language,
        row_number() over (
            partition by language
            order by
                n_tokens,
                md5(concat((select null_seed from settings), ':', document)),
                document
        ) as rank,
        count(*) over (partition by language) as n_documents
    from documents
)

select
    shifts.shift = 1 as is_permuted,
    ranked.document,
    replaced.document as stands_for
from ranked
cross join (values (0), (1)) as shifts (shift)
inner join ranked as replaced
    on
        ranked.language = replaced.language
        and (ranked.rank + shifts.shift - 1) % ranked.n_documents + 1 = replaced.rank
