-- Title:   Over how many consecutive tokens does each feature fire?
-- Grain:   rule, feature
-- Reads:   permuted_rules, follow_rules, firing_rules
-- Paper:   section 4.2, span length
-- Runs are firings less those that follow another. A run is truncated if it reaches the
-- window's end, so at most one of a document is.
with counts as (
    select
        feature,
        rules,
        n_firings,
        n_last,
        0 as n_following
    from permuted_rules
    union all
    select
        feature,
        rules,
        0 as n_firings,
        0 as n_last,
        n_firings as n_following
    from follow_rules
)

select
    firing_rules.rule,
    counts.feature,
    sum(n_firings) / (sum(n_firings) - sum(n_following)) as mean_span,
    sum(n_last) / (sum(n_firings) - sum(n_following)) as truncated_share
from counts
inner join firing_rules on counts.rules & firing_rules.bit > 0
group by firing_rules.rule, counts.feature
