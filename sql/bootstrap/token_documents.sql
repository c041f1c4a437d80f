-- Title:   How often does each feature fire on each token, in each document?
-- Grain:   feature, cluster, token_id, document
-- Kept:    as a table, because several views read it
-- Reads:   firings, tokens, clusters
-- In this order, rows that are summed together are adjacent, which is twice as fast.
select
    firings.feature,
    clusters.cluster,
    tokens.token_id,
    tokens.document,
    count(*)::integer as n_firings
from firings
inner join tokens on firings.token_row = tokens.token_row
inner join clusters
    on firings.feature = clusters.feature and tokens.token_id = clusters.token_id
group by firings.feature, clusters.cluster, tokens.token_id, tokens.document
order by firings.feature, clusters.cluster, tokens.token_id, tokens.document
