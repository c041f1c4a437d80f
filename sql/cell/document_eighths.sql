-- Title:   In which eighth of its language's documents is each?
-- Grain:   document
-- Kept:    as a table, since several views read it
-- Reads:   documents
-- Every eighth document, so that each part has all languages: 0, 2, 4, 6 are the even ones.
select
    document,
    (row_number() over (partition by language order by document) - 1) % 8 as eighth
from documents
