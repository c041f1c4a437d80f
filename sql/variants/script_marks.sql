-- Title:   What is a token's language by its script?
-- Grain:   evaluation token
-- Reads:   tokens, token_scripts, settings
-- Where the script tells none, it is the document's.
select
    tokens.token_row,
    tokens.token_id,
    list_position(
        settings.languages, coalesce(token_scripts.language, tokens.language)
    )::utinyint as language
from tokens
left join token_scripts on tokens.token_id = token_scripts.token_id
cross join settings
