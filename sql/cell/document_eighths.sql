-- Title:   In which eighth of its language's documents is each document?
-- Grain:   document
-- Kept:    as a table, because several views read it
-- Reads:   documents
-- An eighth is every eighth document of each language; 0, 2, 4, 6 are the even documents.
select
    document,
    (row_number() over (partition by language order by document) - 1) % 8 as eighth
from documents
