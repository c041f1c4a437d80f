-- Title:   How often does each feature fire in each language, on exclusive tokens?
-- Grain:   feature, language, by its place in the study's list
-- Reads:   firing_tokens, vocab
-- Exclusive: a token that occurs in one language only, or nearly.
select
    firing_tokens.feature,
    firing_tokens.language,
    count(*) as n_firings
from firing_tokens
inner join vocab on firing_tokens.token_id = vocab.token_id
where vocab.language is not null
group by firing_tokens.feature, firing_tokens.language
