-- Title:   How often does each feature fire on each token of the vocabulary, rule by rule?
-- Grain:   feature, token_id
-- Kept:    as a table, because several views read it
-- Reads:   token_rules
-- `counts` has a number for each firing rule, in their order; rules with equal firings share
-- one. Sums are of doubles, which are exact up to 2^53 and take half the time.
select
    feature,
    token_id,
    bit_or(rules) as rules,
    [
        sum(if(rules & 1 > 0, n_firings::double, 0))::bigint,
        sum(if(rules & 2 > 0, n_firings::double, 0))::bigint,
        sum(if(rules & 4 > 0, n_firings::double, 0))::bigint,
        sum(if(rules & 8 > 0, n_firings::double, 0))::bigint,
        sum(if(rules & 16 > 0, n_firings::double, 0))::bigint,
        sum(if(rules & 32 > 0, n_firings::double, 0))::bigint,
        sum(if(rules & 64 > 0, n_firings::double, 0))::bigint,
        sum(if(rules & 128 > 0, n_firings::double, 0))::bigint,
        sum(if(rules & 256 > 0, n_firings::double, 0))::bigint,
        sum(if(rules & 512 > 0, n_firings::double, 0))::bigint,
        sum(if(rules & 1024 > 0, n_firings::double, 0))::bigint
    ] as counts
from token_rules
group by feature, token_id
