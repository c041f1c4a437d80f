-- Title:   On which concepts of the lexicon does each feature fire, in which language?
-- Grain:   feature, language, concept
-- Reads:   firings, tokens, token_concepts
select
    firings.feature,
    tokens.language,
    token_concepts.concept,
    token_concepts.topic,
    count(*) as n_firings
from firings
inner join tokens on firings.token_row = tokens.token_row
inner join token_concepts on firings.token_row = token_concepts.token_row
group by
    firings.feature,
    tokens.language,
    token_concepts.concept,
    token_concepts.topic
