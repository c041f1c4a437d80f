-- Title:   Documents that are not in one language of the study
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
