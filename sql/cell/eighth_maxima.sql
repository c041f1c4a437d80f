-- Title:   How often is each feature activated in each eighth of the text, and how strongly
--          at most?
-- Grain:   feature, eighth, language of the document
-- Kept:    as a table, because several views read it
-- Reads:   codes, document_eighths, settings
with placed as (
    select
        feature,
        value,
        starts_run,
        token_row // (select context - 1 from settings) as document
    from codes
)

select
    placed.feature,
    document_eighths.eighth,
    document_eighths.language,
    count(*) as n_active,
    count(*) filter (where placed.starts_run) as n_runs,
    max(placed.value) as max_value
from placed
inner join document_eighths on placed.document = document_eighths.document
group by placed.feature, document_eighths.eighth, document_eighths.language
