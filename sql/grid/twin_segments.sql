-- Title:   How mixed would each cell be with a worse autoencoder, or with fewer firings?
-- Grain:   size, step, layer, measure, matched, point
-- Reads:   sensitivity, eval_size, cells
-- matched = 'fvu': only the strongest codes of each token count, k, k / 2, k / 4 and k / 8 of
-- them; x is the logarithm of the FVU that they leave. matched = 'firings': parts of the
-- text; x is the logarithm of the number of firings per feature. Each row is a segment
-- between two neighbouring points, from point 1, the cell as it is. Alive features.
with points as (
    select
        sensitivity.size,
        sensitivity.step,
        sensitivity.layer,
        'fvu' as matched,
        -sensitivity.value::bigint as position,
        ln(
            case sensitivity.value::bigint
                when cells.k then cells.fvu
                when cells.k // 2 then cells.fvu_half_k
                when cells.k // 4 then cells.fvu_quarter_k
                when cells.k // 8 then cells.fvu_eighth_k
            end
        ) as x,
        sensitivity.mixed_share,
        sensitivity.mixed_share_exclusive
    from sensitivity
    inner join cells using (size, step, layer)
    where sensitivity.setting = 'k' and sensitivity.population = 'alive'
    union all
    select
        size,
        step,
        layer,
        'firings' as matched,
        -n_documents as position,
        ln(firings_per_feature) as x,
        mixed_share,
        mixed_share_exclusive
    from eval_size
    where documents <> 'other half' and population = 'alive'
),

listed as (
    select
        size,
        step,
        layer,
        matched,
        position,
        x,
        unnest(['mixed_share', 'mixed_share_exclusive']) as measure,
        unnest([mixed_share, mixed_share_exclusive]) as share
    from points
    where x is not null
)

select
    size,
    step,
    layer,
    measure,
    matched,
    row_number() over neighbours as point,
    x as x_from,
    share as share_from,
    lead(x) over neighbours as x_to,
    lead(share) over neighbours as share_to
from listed
where share is not null
window neighbours as (partition by size, step, layer, measure, matched order by position)
