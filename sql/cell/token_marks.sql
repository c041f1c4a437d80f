-- Title:   What is to be known of the token on which a feature fires?
-- Grain:   evaluation token
-- Reads:   tokens, settings
-- The language is its place in the study's list: a byte for each of many firings.
select
    tokens.token_row,
    tokens.token_id,
    list_position(settings.languages, tokens.language)::utinyint as language
from tokens
cross join settings
