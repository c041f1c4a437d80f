-- Title:   Which of a feature's tokens have similar meanings?
-- Grain:   feature, token_id
-- Reads:   feature_tokens, linked_tokens
-- A cluster is named by its lowest token; a token without a link is a cluster of its own.
with linked as (
    select
        feature,
        token_id,
        cluster
    from linked_tokens
    where clustering = 0
)

select
    feature_tokens.feature,
    feature_tokens.token_id,
    coalesce(linked.cluster, feature_tokens.token_id) as cluster,
    feature_tokens.n_firings
from feature_tokens
left join linked
    on
        feature_tokens.feature = linked.feature
        and feature_tokens.token_id = linked.token_id
where feature_tokens.rule = 0
