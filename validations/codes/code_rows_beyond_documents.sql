-- Check:   No code lies beyond the end of its document
-- Why:     Codes of padding belong to no token, yet would be counted as a token's.
-- Guards:  the format: rows beyond a document's length hold no code
-- Grain:   token_row
-- Reads:   code_rows, eval_documents, settings
with placed as (
    select
        code_rows.token_row,
        code_rows.token_row // (settings.context - 1) as document,
        code_rows.token_row % (settings.context - 1) as position,
        code_rows.n_used
    from code_rows
    cross join settings
)

select
    placed.token_row,
    placed.document,
    placed.position,
    eval_documents.n_tokens,
    placed.n_used
from placed
inner join eval_documents on placed.document = eval_documents.document
where placed.position >= eval_documents.n_tokens and placed.n_used > 0
