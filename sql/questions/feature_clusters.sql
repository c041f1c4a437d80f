-- Title:   Which meanings does each feature have, and with which tokens?
-- Grain:   size, step, layer, feature, cluster
-- Reads:   feature_vocabulary
-- Paper:   equation 5: semantic entropy is that of these shares
select
    size,
    step,
    layer,
    feature,
    cluster,
    sum(n_firings)::bigint as n_firings,
    sum(n_firings) / sum(sum(n_firings)) over (
        partition by size, step, layer, feature
    ) as share,
    count(*) as n_tokens,
    list(token order by n_firings desc, token_id asc) as tokens
from feature_vocabulary
group by size, step, layer, feature, cluster
