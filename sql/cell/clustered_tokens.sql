-- Title:   Which of a feature's tokens are in one semantic cluster, by each clustering?
-- Grain:   clustering, feature, token_id
-- Reads:   clusterings, feature_tokens, linked_tokens
-- A cluster is named by its lowest token; a token without a link is alone in its own.
select
    clusterings.clustering,
    feature_tokens.feature,
    feature_tokens.token_id,
    coalesce(linked_tokens.cluster, feature_tokens.token_id) as cluster,
    feature_tokens.n_firings
from feature_tokens
inner join clusterings on feature_tokens.rule = clusterings.rule
left join linked_tokens
    on
        clusterings.clustering = linked_tokens.clustering
        and feature_tokens.feature = linked_tokens.feature
        and feature_tokens.token_id = linked_tokens.token_id
