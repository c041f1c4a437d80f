-- Check:   A feature's shares over the languages sum to one
-- Why:     They are one distribution, p(lang given i), over all languages of the study.
-- Guards:  p(lang given i)
-- Grain:   size, step, layer, feature
-- Reads:   cells_disagreeing, feature_languages
-- Paper:   section 3.2: p(language given i)
with looked_at as (
    select
        size,
        step,
        layer
    from cells_disagreeing
    where about = 'shares'
)

select
    size,
    step,
    layer,
    feature,
    count(*) as n_languages,
    fsum(p) as p
from feature_languages
semi join looked_at using (size, step, layer)
group by size, step, layer, feature
having (abs(fsum(p) - 1) <= 1e-9) is not true
