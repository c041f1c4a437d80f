-- Title:   How often is each feature activated, in how many runs, and how strongly at most?
-- Grain:   feature
-- Kept:    as a table, because several views read it
-- Reads:   eighth_maxima
select
    feature,
    sum(n_active)::bigint as n_active,
    sum(n_runs)::bigint as n_runs,
    max(max_value) as max_value
from eighth_maxima
group by feature
