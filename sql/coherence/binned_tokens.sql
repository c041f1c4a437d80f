-- Title:   On which tokens does each feature fire, in documents of each language?
-- Grain:   feature, bin, token_id
-- Kept:    as a table, because several views read it
-- Reads:   firings, tokens, token_bins
-- A bin is of one language, that of the documents.
with counts as (
    select
        firings.feature,
        tokens.language,
        tokens.token_id,
        count(*) as n_firings
    from firings
    inner join tokens on firings.token_row = tokens.token_row
    group by firings.feature, tokens.language, tokens.token_id
)

select
    counts.feature,
    token_bins.bin,
    counts.token_id,
    counts.n_firings
from counts
inner join token_bins
    on
        counts.language = token_bins.language
        and counts.token_id = token_bins.token_id
