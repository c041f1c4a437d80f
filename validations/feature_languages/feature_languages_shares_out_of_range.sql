-- Check:   Every share of a language lies between 0 and 1
-- Why:     It is a share of the feature's firings.
-- Guards:  p(lang given i)
-- Grain:   size, step, layer, feature, language
-- Reads:   feature_languages, feature_languages_counted
with looked_at as (
    select distinct
        size,
        step,
        layer
    from feature_languages_counted
    where n_off > 0
    order by all
    limit 3
)

-- By `having`: a condition on rows would be asked of every row of the grid.
select
    size,
    step,
    layer,
    feature,
    language,
    min(p) as p_least,
    max(p) as p_most
from feature_languages
semi join looked_at using (size, step, layer)
group by size, step, layer, feature, language
having (min(p) >= 0 and max(p) <= 1 and count(p) = count(*)) is not true
