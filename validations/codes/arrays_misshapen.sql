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
        encoder_bias,
        n_documents * (context - 1) as n_rows
    from cell_settings
),

asked as (
    select
        encoder_bias,
        unnest(
            [
                'sae/W_enc',
                'sae/W_dec',
                'sae/b_pre',
                'sae/b_enc',
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
                [n_features],
                [n_rows, k],
                [n_rows, k]
            ]
        ) as shape
    from sizes
)

select
    coalesce(cell_arrays.name, asked.name) as name,
    cell_arrays.shape,
    asked.shape as shape_asked
from cell_arrays
full join asked on cell_arrays.name = asked.name
where
    cell_arrays.shape is distinct from asked.shape
    and (asked.encoder_bias or asked.name <> 'sae/b_enc') is not false
