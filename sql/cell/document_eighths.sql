-- Title:   In which eighth of its language's documents is each document?
-- Grain:   document
-- Kept:    as a table, because several views read it
-- Reads:   documents, settings
-- An eighth is every eighth document of each language; 0, 2, 4, 6 are the even documents.
-- A language is its position in the study's list.
with numbered as (
    select
        document,
        language,
        row_number() over (partition by language order by document) - 1 as number
    from documents
)

select
    numbered.document,
    list_position(settings.languages, numbered.language)::utinyint as language,
    (numbered.number % 8)::utinyint as eighth
from numbered
cross join settings
