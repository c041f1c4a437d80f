-- Title:   Sums over the tokens of each feature
-- Grain:   rule, feature
-- Kept:    as a table, because several views read it
-- Reads:   feature_tokens
-- Sums are of decimals, so they are exact and do not depend on the order of the rows.
select
    rule,
    feature,
    count(*) as n_tokens,
    max(n_firings) as largest,
    sum(n_firings)::bigint as n_firings,
    sum((n_firings * ln(n_firings))::decimal(38, 15)) as n_ln_n
from feature_tokens
group by rule, feature
