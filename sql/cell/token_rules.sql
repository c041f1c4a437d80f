-- Title:   On which tokens of the vocabulary does each feature fire, by which rules?
-- Grain:   feature, token_id, language of the document, its permuted language, rules
-- Kept:    as a table, because several views read it
-- Reads:   ruled_codes
select
    feature,
    token_id,
    language,
    language_permuted,
    rules,
    count(*) as n_firings
from ruled_codes
group by feature, token_id, language, language_permuted, rules
