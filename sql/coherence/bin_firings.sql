-- Title:   How often does each feature fire on tokens of each frequency bin?
-- Grain:   feature, bin
-- Kept:    as a table, because several views read it
-- Reads:   binned_tokens
select
    feature,
    bin,
    sum(n_firings)::bigint as n_firings
from binned_tokens
group by feature, bin
