-- Title:   How often does each feature fire on each token and cluster, in a resampled text?
-- Grain:   feature, cluster, token_id; null for all tokens of the cluster
-- Reads:   token_documents, weights
-- Packed like the weights.
with tokens as (
    select
        fired.feature,
        fired.cluster,
        fired.token_id,
        sum(fired.n_firings * weights.weights_0) as n_0,
        sum(fired.n_firings * weights.weights_1) as n_1,
        sum(fired.n_firings * weights.weights_2) as n_2,
        sum(fired.n_firings * weights.weights_3) as n_3
    from token_documents as fired
    inner join weights on fired.document = weights.document
    group by fired.feature, fired.cluster, fired.token_id
)

select
    feature,
    cluster,
    token_id,
    [n_0, n_1, n_2, n_3] as n_firings
from tokens
union all
select
    feature,
    cluster,
    null as token_id,
    [sum(n_0), sum(n_1), sum(n_2), sum(n_3)] as n_firings
from tokens
group by feature, cluster
