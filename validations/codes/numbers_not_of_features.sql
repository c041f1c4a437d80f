-- Check:   Every feature has exactly one number
-- Why:     The codes hold numbers: a number that belongs to two features mixes them.
-- Guards:  the format: codes/feature is a permutation
-- Grain:   feature
-- Reads:   code_numbers, cell_settings
with counted as (
    select
        feature,
        count(*) as n_numbers
    from code_numbers
    group by feature
),

features_asked as (
    select unnest(range(n_features)) as feature
    from cell_settings
)

select
    coalesce(counted.feature, features_asked.feature) as feature,
    coalesce(counted.n_numbers, 0) as n_numbers
from counted
full join features_asked on counted.feature = features_asked.feature
where counted.n_numbers is distinct from 1 or features_asked.feature is null
