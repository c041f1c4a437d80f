-- Check:   Every document is in one language of the study
-- Why:     The language of a firing is that of its document.
-- Guards:  p(lang given i), by the language of the document
-- Grain:   document
-- Reads:   settings, tokens
with documents as (
    select
        document,
        min(language) as language,
        max(language) as other_language,
        count(*) - count(language) as n_unknown
    from tokens
    group by document
)

select
    documents.document,
    documents.language,
    documents.other_language
from documents
cross join settings
where
    documents.language <> documents.other_language
    or documents.n_unknown > 0
    or not list_contains(settings.languages, documents.language)
