-- Check:   Every word found in the text belongs to a listed concept and is on a token
-- Why:     Otherwise a firing would be on an unknown concept.
-- Guards:  grain of token_concepts: evaluation token on such a word
-- Grain:   token_row, concept
-- Reads:   lexicon, token_concepts, tokens
with concepts as (
    select distinct
        concept,
        topic
    from lexicon
)

select
    found.token_row,
    found.concept,
    found.topic
from token_concepts as found
left join concepts using (concept, topic)
left join tokens on found.token_row = tokens.token_row
where concepts.concept is null or tokens.token_row is null
