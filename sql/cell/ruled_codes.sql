-- Title:   Which activations are firings, by which rules, including that of the first 50
--          documents?
-- Grain:   feature, token_row
-- Kept:    as a table, because several views read it
-- Reads:   some_codes, first_documents, settings
select
    some_codes.feature,
    some_codes.token_row,
    some_codes.starts_run,
    some_codes.token_id,
    some_codes.language,
    some_codes.language_permuted,
    some_codes.rules
    + 1024::usmallint * (
        some_codes.rules & 1 > 0
        and some_codes.token_row // (select context - 1 from settings)
        <= first_documents.last_document
    )::usmallint as rules
from some_codes
left join first_documents on some_codes.feature = first_documents.feature
where some_codes.rules > 0
