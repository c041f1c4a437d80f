-- Title:   In which documents does each feature fire, by which rules?
-- Grain:   feature, document
-- Kept:    as a table, since several views read it
-- Reads:   some_codes, settings
-- Without the rule of the first 50 documents, which needs to know these.
select
    feature,
    token_row // (select context - 1 from settings) as document,
    bit_or(rules) as rules
from some_codes
group by feature, document
