-- Title:   In which language is each document, and which firing rules include it?
-- Grain:   document
-- Kept:    as a table, because several views read it
-- Reads:   documents, document_eighths, parts, firing_rules, settings
-- A language is its position in the study's list: one byte for each of many firings.
with rules as (
    select
        parts.eighth,
        bit_or(firing_rules.bit) as rules
    from parts
    inner join firing_rules on parts.documents = firing_rules.documents
    group by parts.eighth
)

select
    documents.document,
    document_eighths.eighth,
    document_eighths.language,
    list_position(settings.languages, documents.language_permuted)::utinyint
        as language_permuted,
    rules.rules
from documents
inner join document_eighths on documents.document = document_eighths.document
inner join rules on document_eighths.eighth = rules.eighth
cross join settings
