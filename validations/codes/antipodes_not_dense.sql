-- Check:   Exactly the dense features have an antipode
-- Why:     Without one, half of an antipodal pair would be counted as a feature of its own.
-- Guards:  grain of antipodes: features that fire on more than a tenth of all tokens
-- Grain:   feature
-- Reads:   antipodes, features, eval_documents
with texts as (
    select sum(n_tokens) as n_tokens
    from eval_documents
),

dense as (
    select features.feature
    from features
    cross join texts
    where is_dense(features.n_firings / texts.n_tokens)
),

counted as (
    select
        feature,
        count(*) as n_rows
    from antipodes
    group by feature
)

select
    coalesce(dense.feature, counted.feature) as feature,
    dense.feature is not null as is_dense,
    coalesce(counted.n_rows, 0) as n_rows
from dense
full join counted on dense.feature = counted.feature
where dense.feature is null or counted.n_rows is distinct from 1
