-- Title:   Which bins of tokens have one language and like frequencies?
-- Grain:   bin
-- Kept:    as a table, because several views read it
-- Reads:   token_bins
select
    bin,
    any_value(language) as language,
    any_value(is_exclusive) as is_exclusive,
    min(n_occurrences) as n_occurrences_low,
    max(n_occurrences) as n_occurrences_high,
    count(*) as n_tokens
from token_bins
group by bin
