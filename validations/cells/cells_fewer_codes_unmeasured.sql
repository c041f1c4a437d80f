-- Check:   The FVU of reconstructions from fewer codes is measured, or was not yet for any of them
-- Why:     Cells are compared at equal FVU; one without a measurement would drop out silently.
-- Guards:  FVU from the K // 2, K // 4 and K // 8 strongest codes of each token
-- Grain:   size, step, layer
-- Reads:   cells
-- Earlier versions measured none of them. There is none of no codes, as for K // 8 if K is 4.
with measured as (
    select
        size,
        step,
        layer,
        k,
        fvu_half_k,
        fvu_quarter_k,
        fvu_eighth_k,
        list_filter(
            [fvu_half_k, fvu_quarter_k, fvu_eighth_k], lambda fvu: fvu is not null
        ) as listed
    from cells
)

select
    size,
    step,
    layer,
    k,
    fvu_half_k,
    fvu_quarter_k,
    fvu_eighth_k
from measured
where
    len(listed) > 0
    and (
        len(listed) <> (k >= 2)::int + (k >= 4)::int + (k >= 8)::int
        or len(list_filter(listed, lambda fvu: isfinite(fvu) and fvu >= 0)) < len(listed)
    )
