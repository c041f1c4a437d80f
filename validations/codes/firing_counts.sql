-- Title:   What do each feature's firings in each language add up to?
-- Grain:   feature, language
-- Kept:    as a table, since several views read it
-- Reads:   firing_languages
select
    feature,
    language,
    count(*) as n_firings,
    sum(hash(token_row, value) >> 24) as total
from firing_languages
group by feature, language
