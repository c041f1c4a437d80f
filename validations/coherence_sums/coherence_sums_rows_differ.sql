-- Check:   The sums are over all rows of `coherence`
-- Why:     A missing or repeated row would change the trends of its cell.
-- Guards:  n_rows
-- Grain:   size, step, layer, source, token_set, kind
-- Reads:   coherence, coherence_sums
with counted as (
    select
        size,
        step,
        layer,
        source,
        token_set,
        if(language_a = language_b, 'within', 'across') as kind,
        count(*) as n_counted
    from coherence
    group by all
)

select
    sums.size,
    sums.step,
    sums.layer,
    sums.source,
    sums.token_set,
    sums.kind,
    sums.n_rows,
    counted.n_counted
from coherence_sums as sums
left join counted using (size, step, layer, source, token_set, kind)
where sums.population = 'alive' and sums.n_rows is distinct from counted.n_counted
