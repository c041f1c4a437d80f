-- Title:   On which tokens does each feature fire, and which of them have similar meanings?
-- Grain:   size, step, layer, feature, token_id
-- Reads:   clusters, vocab
-- `language` is that to which the token is exclusive, if any.
select
    clusters.size,
    clusters.step,
    clusters.layer,
    clusters.feature,
    clusters.token_id,
    coalesce(vocab.token, '<' || clusters.token_id || '>') as token,
    vocab.language,
    clusters.cluster,
    clusters.n_firings
from clusters
left join vocab on clusters.token_id = vocab.token_id
