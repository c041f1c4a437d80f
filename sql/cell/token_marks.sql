-- Title:   Which token, language and firing rules does an activation on each token have?
-- Grain:   evaluation token
-- Reads:   tokens, document_marks
select
    tokens.token_row,
    tokens.token_id,
    document_marks.language,
    document_marks.language_permuted,
    document_marks.rules
from tokens
inner join document_marks on tokens.document = document_marks.document
