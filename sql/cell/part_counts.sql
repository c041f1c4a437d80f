-- Title:   How often does each feature fire in each eighth of the text, and in which language?
-- Grain:   feature, eighth, language of the document, own_language of the token, halvings
-- Kept:    as a table, because several views read it
-- Reads:   some_codes
-- n_firings: by the study's own rule; n_eighth: by the maximum of the eighth. halvings: how
-- often the token's codes can be halved and still have this one.
select
    feature,
    eighth,
    language,
    own_language,
    halvings,
    count(*) filter (where rules & 1 > 0) as n_firings,
    count(*) filter (where fires_in_eighth) as n_eighth
from some_codes
group by feature, eighth, language, own_language, halvings
