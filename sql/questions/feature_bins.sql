-- Title:   In which bin of a histogram is each number of each feature?
-- Grain:   size, step, layer, name, feature
-- Reads:   features
-- Thirty bins from the cell's smallest to its largest value; of counts, bins of equal ratio.
-- A cell with one value has one bin. Nulls are in none.
with listed as (
    select
        features.size,
        features.step,
        features.layer,
        features.feature,
        item.name,
        item.is_count,
        item.value,
        if(item.is_count, ln(item.value), item.value) as x
    from features
    cross join
        lateral (
            values
            ('n_active', true, n_active::double),
            ('n_firings', true, n_firings),
            ('n_documents', true, n_documents),
            ('n_tokens', true, n_tokens),
            ('n_clusters', true, n_clusters),
            ('max_value', false, max_value),
            ('largest_cluster_share', false, largest_cluster_share),
            ('p_shared', false, p_shared),
            ('p_top_position', false, p_top_position),
            ('token_entropy', false, token_entropy),
            ('semantic_entropy', false, semantic_entropy),
            ('monosemanticity', false, monosemanticity),
            ('monosemanticity_null', false, monosemanticity_null),
            ('mean_span', false, mean_span),
            ('mean_span_active', false, mean_span_active),
            ('truncated_share', false, truncated_share)
        ) as item (name, is_count, value)
    where item.value is not null
),

placed as (
    select
        *,
        min(x) over (partition by size, step, layer, name) as first,
        max(x) over (partition by size, step, layer, name) as last,
        (last - first) / 30 as width,
        coalesce(least(floor((x - first) / nullif(width, 0)), 29), 0)::integer as bin
    from listed
)

select
    size,
    step,
    layer,
    name,
    feature,
    value,
    bin,
    if(is_count, exp(first + bin * width), first + bin * width) as bin_low,
    if(is_count, exp(first + (bin + 1) * width), first + (bin + 1) * width) as bin_high
from placed
