-- Title:   How often is each feature activated, and how strongly at most?
-- Grain:   feature
-- Reads:   codes
select
    feature,
    count(*) as n_active,
    max(value) as max_value
from codes
group by feature
