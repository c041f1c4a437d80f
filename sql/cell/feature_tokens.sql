-- Title:   On which tokens of the vocabulary does each feature fire, and how often?
-- Grain:   rule, feature, token_id
-- Reads:   token_counts
-- Paper:   section 3.2: n_firings over their sum is f(v given i)
with listed as (
    select
        feature,
        token_id,
        unnest(counts) as n_firings,
        unnest(range(len(counts)))::int as rule
    from token_counts
)

select
    rule,
    feature,
    token_id,
    n_firings
from listed
where n_firings > 0
