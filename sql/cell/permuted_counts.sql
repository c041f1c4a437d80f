-- Title:   How often does each feature fire in each language, those of documents permuted?
-- Grain:   feature, language, by its place in the study's list
-- Reads:   firing_tokens, documents, settings
with permuted as (
    select
        documents.document,
        list_position(settings.languages, documents.language_permuted)::utinyint
            as language
    from documents
    cross join settings
),

placed as (
    select
        feature,
        token_row // (select context - 1 from settings) as document
    from firing_tokens
)

select
    placed.feature,
    permuted.language,
    count(*) as n_firings
from placed
inner join permuted on placed.document = permuted.document
group by placed.feature, permuted.language
