-- Title:   How often does each feature fire in each language?
-- Grain:   feature, language, by its place in the study's list
-- Reads:   firing_tokens
select
    feature,
    language,
    count(*) as n_firings
from firing_tokens
group by feature, language
