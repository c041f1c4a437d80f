-- Title:   Which is the last of the first 50 documents in which each feature fires?
-- Grain:   feature
-- Kept:    as a table, because several views read it
-- Reads:   document_rules
select
    feature,
    list_max(min(document, 50)) as last_document
from document_rules
where rules & 1 > 0
group by feature
