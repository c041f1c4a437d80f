-- Title:   How often is each feature activated, in how many runs, how strongly at most?
-- Grain:   feature
-- Reads:   codes
select
    feature,
    count(*) as n_active,
    count(*) filter (where starts_run) as n_runs,
    max(value) as max_value
from codes
group by feature
