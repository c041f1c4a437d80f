-- Check:   Exactly the features with codes have a row in `features`
-- Why:     A lost feature is missing from every share; one of another run is too many.
-- Guards:  alive: at least one activation on the evaluation text
-- Grain:   feature
-- Reads:   features, code_features
with counted as (
    select
        feature,
        count(*) as n_rows
    from features
    group by feature
)

select
    coalesce(code_features.feature, counted.feature) as feature,
    coalesce(counted.n_rows, 0) as n_rows,
    coalesce(code_features.n_active, 0) as n_active_in_codes
from code_features
full join counted on code_features.feature = counted.feature
where counted.n_rows is distinct from 1 or code_features.feature is null
