-- Title:   The cell under each variant, with the variant as its step
-- Grain:   size, step (the variant), layer
-- Reads:   cells, variants, feature_metrics
-- A feature without a firing in a variant's part of the text is dead there; one that is left
-- out is not.
with counts as (
    select
        variant,
        count(*) as n_features
    from feature_metrics
    group by variant
)

select
    '' as size,
    variants.variant::bigint as step,
    0 as layer,
    cells.tokens_seen,
    cells.n_features - coalesce(counts.n_features, 0) as n_dead,
    cells.fvu
from variants
cross join cells
left join counts on variants.variant = counts.variant
