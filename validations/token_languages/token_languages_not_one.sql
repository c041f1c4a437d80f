-- Check:   Shares of a language's text sum to one
-- Why:     Every token is exclusive to one language, or shared.
-- Guards:  token_language: the one it is exclusive to, else shared
-- Grain:   language
-- Reads:   token_languages
select
    language,
    sum(n_occurrences) as n_occurrences,
    fsum(share) as share
from token_languages
group by language
having (abs(fsum(share) - 1) <= 1e-9) is not true
