-- Title:   Sums over each feature's firings in each language
-- Grain:   feature, language
-- Kept:    as a table, because several views read it
-- Reads:   firing_languages
select
    feature,
    language,
    count(*) as n_firings,
    sum(hash(token_row, value) >> 24) as total
from firing_languages
group by feature, language
