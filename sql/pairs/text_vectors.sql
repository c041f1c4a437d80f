-- Title:   How strong is each feature, and how frequent each token, in each text of a pair?
-- Grain:   text, dimension
-- Reads:   features, pair_codes, pair_tokens, texts
-- Kept:    read by each product
-- A dimension is a feature, or a token of the vocabulary below 0. Features by whether they
-- are mixed: the products of all features are sums over both parts.
select
    if(features.language = 'mixed', 'mixed', 'other')::enum('mixed', 'other', 'tokens') as part,
    texts.text,
    pair_codes.feature as dimension,
    pair_codes.mean_value::double as value
from pair_codes
inner join texts
    on pair_codes.language = texts.language and pair_codes.pair = texts.pair
left join features on pair_codes.feature = features.feature
union all
select
    'tokens'::enum('mixed', 'other', 'tokens') as part,
    texts.text,
    -1 - pair_tokens.token_id as dimension,
    pair_tokens.n_tokens / sum(pair_tokens.n_tokens) over (partition by texts.text) as value
from pair_tokens
inner join texts
    on pair_tokens.language = texts.language and pair_tokens.pair = texts.pair
