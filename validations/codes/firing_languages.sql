-- Title:   In which language is each firing? That of the document it is in
-- Grain:   feature, token_row; language is null where that is no token of the text
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
