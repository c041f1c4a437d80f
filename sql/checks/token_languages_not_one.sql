-- Title:   Languages whose shares of tokens do not sum to one
-- Grain:   language
-- Reads:   token_languages
select
    language,
    sum(n_occurrences) as n_occurrences,
    fsum(share) as share
from token_languages
group by language
having (abs(fsum(share) - 1) <= 1e-9) is not true
