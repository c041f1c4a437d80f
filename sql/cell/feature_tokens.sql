-- Title:   On which tokens of the vocabulary does each feature fire, how often?
-- Grain:   rule, feature, token_id
-- Reads:   token_rules, firing_rules
-- Paper:   section 3.2: n_firings over their sum is f(v given i)
select
    firing_rules.rule,
    token_rules.feature,
    token_rules.token_id,
    sum(token_rules.n_firings)::bigint as n_firings
from token_rules
inner join firing_rules on token_rules.rules & firing_rules.bit > 0
where not firing_rules.by_script
group by firing_rules.rule, token_rules.feature, token_rules.token_id
