-- Title:   Shares of a language that are not shares of one whole
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
