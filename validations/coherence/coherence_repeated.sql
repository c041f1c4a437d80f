-- Check:   A feature's coherence is in the table once
-- Why:     A repeated row would count a feature twice in the trends.
-- Guards:  grain of coherence: feature, source, languages and token set
-- Grain:   size, step, layer, feature, source, language_a, language_b, token_set
-- Reads:   coherence
select
    size,
    step,
    layer,
    feature,
    source,
    language_a,
    language_b,
    token_set,
    count(*) as n_rows
from coherence
group by all
having count(*) > 1
