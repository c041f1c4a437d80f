-- Title:   How strong is each feature, and how frequent each token, in each text of a pair?
-- Grain:   part, language, pair, dimension
-- Reads:   features, pair_codes, pair_tokens
-- Kept:    read by each product
-- Features by whether they are mixed: the products of all features are sums over both.
select
    if(features.language = 'mixed', 'mixed', 'other') as part,
    pair_codes.language,
    pair_codes.pair,
    pair_codes.feature as dimension,
    pair_codes.mean_value::double as value
from pair_codes
left join features on pair_codes.feature = features.feature
union all
select
    'tokens' as part,
    language,
    pair,
    token_id as dimension,
    n_tokens / sum(n_tokens) over (partition by language, pair) as value
from pair_tokens
