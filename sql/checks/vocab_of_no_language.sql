-- Title:   Tokens that are exclusive to what is no language of the study
-- Grain:   token_id
-- Reads:   settings, vocab
select
    vocab.token_id,
    vocab.token,
    vocab.language
from vocab
cross join settings
where not list_contains(settings.languages, vocab.language)
