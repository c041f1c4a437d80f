-- Title:   How strongly is each feature activated at most, in each eighth of the text?
-- Grain:   feature, eighth
-- Reads:   placed_codes, document_eighths
select
    placed_codes.feature,
    document_eighths.eighth,
    max(placed_codes.value) as max_value
from placed_codes
inner join document_eighths on placed_codes.document = document_eighths.document
group by placed_codes.feature, document_eighths.eighth
