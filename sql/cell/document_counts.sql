-- Title:   In how many documents does each feature fire?
-- Grain:   feature
-- Reads:   firing_tokens, settings
with documents as (
    select distinct
        feature,
        token_row // (select context - 1 from settings) as document
    from firing_tokens
)

select
    feature,
    count(*) as n_documents
from documents
group by feature
