-- Title:   In which documents does each feature fire, by which rules?
-- Grain:   feature, document
-- Kept:    as a table, because several views read it
-- Reads:   some_codes, settings
-- Without the rule of the first 50 documents, which is derived from this view.
select
    feature,
    token_row // (select context - 1 from settings) as document,
    bit_or(rules) as rules
from some_codes
group by feature, document
