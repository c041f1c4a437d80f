-- Title:   In which language is the document of each firing?
-- Grain:   feature, token_row; language is null where the row is not a token of the text
-- Reads:   firings, eval_documents, settings
select
    firings.feature,
    firings.token_row,
    firings.value,
    eval_documents.language
from firings
cross join settings
left join eval_documents
    on
        firings.token_row // (settings.context - 1) = eval_documents.document
        and firings.token_row % (settings.context - 1) < eval_documents.n_tokens
        and firings.token_row >= 0
