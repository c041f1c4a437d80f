-- Title:   Over how many consecutive tokens does each feature fire?
-- Grain:   rule, feature
-- Reads:   token_rules, follow_rules, firing_rules
-- Paper:   section 4.2, span length
-- The number of runs is the number of firings minus those that follow another firing.
with counts as (
    select
        feature,
        rules,
        sum(n_firings)::bigint as n_firings,
        0 as n_following
    from token_rules
    group by feature, rules
    union all
    select
        feature,
        rules,
        0 as n_firings,
        n_firings as n_following
    from follow_rules
)

select
    firing_rules.rule,
    counts.feature,
    (sum(n_firings) - sum(n_following))::bigint as n_runs,
    sum(n_firings) / (sum(n_firings) - sum(n_following)) as mean_span
from counts
inner join firing_rules on counts.rules & firing_rules.bit > 0
group by firing_rules.rule, counts.feature
