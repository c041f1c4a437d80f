-- Title:   Which token, languages, eighth and firing rules does an activation on each token
--          have?
-- Grain:   evaluation token
-- Reads:   tokens, vocab, document_marks, settings
-- own_language: that of the token where it is exclusive to one, else 0.
select
    tokens.token_row,
    tokens.token_id,
    coalesce(list_position(settings.languages, vocab.language), 0)::utinyint as own_language,
    document_marks.eighth,
    document_marks.language,
    document_marks.language_permuted,
    document_marks.rules
from tokens
inner join document_marks on tokens.document = document_marks.document
cross join settings
left join vocab on tokens.token_id = vocab.token_id
