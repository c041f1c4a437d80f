-- Check:   Every position of every evaluation document has a row of codes
-- Why:     Tokens without a row look as if no feature fired on them.
-- Guards:  the format: rows = documents x (context - 1)
-- Grain:   document
-- Reads:   eval_documents, code_rows, settings
with counted as (
    select
        code_rows.token_row // (settings.context - 1) as document,
        count(*) as n_rows
    from code_rows
    cross join settings
    group by all
)

select
    coalesce(eval_documents.document, counted.document) as document,
    eval_documents.n_tokens,
    coalesce(counted.n_rows, 0) as n_rows
from counted
full join eval_documents on counted.document = eval_documents.document
cross join settings
where
    eval_documents.document is null
    or counted.n_rows is distinct from settings.context - 1
