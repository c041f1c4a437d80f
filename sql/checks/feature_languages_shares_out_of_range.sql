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

select
    size,
    step,
    layer,
    feature,
    language,
    p
from feature_languages
semi join looked_at using (size, step, layer)
where (p between 0 and 1) is not true
