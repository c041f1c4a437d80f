-- Title:   In which documents does each feature fire, how often, and by which rules?
-- Grain:   feature, document
-- Kept:    as a table, because several views read it
-- Reads:   some_codes, settings
-- Without the rule of the first 50 documents, which is derived from this view. n_firings: by
-- the study's own rule.
select
    feature,
    token_row // (select context - 1 from settings) as document,
    bit_or(rules) as rules,
    count(*) filter (where rules & 1 > 0) as n_firings
from some_codes
where rules > 0
group by feature, document
