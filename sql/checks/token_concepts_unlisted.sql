-- Title:   Words of the text that are of no concept of the lexicon, or on no token
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
