-- Check:   Every array of a cell has the shape that its settings imply
-- Why:     Weights or codes of another shape belong to another autoencoder or text.
-- Guards:  the format: shapes by n, k, d and the evaluation text
-- Grain:   name
-- Reads:   cell_arrays, cell_settings
with sizes as (
    select
        n_features,
        d_model,
        k,
        n_documents * (context - 1) as n_rows
    from cell_settings
),

asked as (
    select
        unnest(
            [
                'sae/W_enc',
                'sae/W_dec',
                'sae/b_pre',
                'codes/feature',
                'codes/index',
                'codes/value'
            ]
        ) as name,
        unnest(
            [
                [n_features, d_model],
                [n_features, d_model],
                [d_model],
                [n_features],
                [n_rows, k],
                [n_rows, k]
            ]
        ) as shape
    from sizes
    union all
    select
        unnest(further_weights) as name,
        [n_features] as shape
    from cell_settings
)

select
    coalesce(cell_arrays.name, asked.name) as name,
    cell_arrays.shape,
    asked.shape as shape_asked
from cell_arrays
full join asked on cell_arrays.name = asked.name
where cell_arrays.shape is distinct from asked.shape
