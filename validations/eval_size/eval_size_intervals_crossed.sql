-- Check:   Every share and mean of a part lies in its interval
-- Why:     An interval that does not contain its estimate was computed from other data.
-- Guards:  <name>_low <= <name> <= <name>_high
-- Grain:   size, step, layer, documents, population, measure
-- Reads:   eval_size
select
    eval_size.size,
    eval_size.step,
    eval_size.layer,
    eval_size.documents,
    eval_size.population,
    item.measure,
    item.low,
    item.value,
    item.high
from eval_size
cross join
    lateral (
        values
        ('mixed_share', mixed_share_low, mixed_share, mixed_share_high),
        ('mixed_share_null', mixed_share_null_low, mixed_share_null, mixed_share_null_high),
        (
            'mixed_share_exclusive',
            mixed_share_exclusive_low,
            mixed_share_exclusive,
            mixed_share_exclusive_high
        ),
        ('monosemanticity', monosemanticity_low, monosemanticity, monosemanticity_high),
        ('mean_span', mean_span_low, mean_span, mean_span_high)
    ) as item (measure, low, value, high)
where item.low > item.value + 1e-9 or item.value > item.high + 1e-9
