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
)

select
    firing_tokens.feature,
    permuted.language,
    count(*) as n_firings
from firing_tokens
inner join permuted
    on
        firing_tokens.token_row // (select context - 1 from settings)
        = permuted.document
group by firing_tokens.feature, permuted.language
