-- Check:   Every token is exclusive to a language of the study, or to none
-- Why:     The exclusive class is counted over these tokens.
-- Guards:  exclusive_threshold
-- Grain:   token_id
-- Reads:   settings, vocab
select
    vocab.token_id,
    vocab.token,
    vocab.language
from vocab
cross join settings
where not list_contains(settings.languages, vocab.language)
