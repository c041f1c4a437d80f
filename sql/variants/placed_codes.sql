-- Title:   In which document is each activation?
-- Grain:   feature, token_row
-- Reads:   codes, settings
select
    feature,
    token_row,
    value,
    starts_run,
    token_row // (select context - 1 from settings) as document
from codes
