-- Title:   Which eighths of the documents are in each part of the text?
-- Grain:   documents, eighth
-- Reads:   nothing
-- Eighth, quarter, half and all are nested; `other half` is the complement of `half`.
select
    listed.documents,
    unnest(listed.eighths) as eighth
from (
    values
    ('eighth', [0]),
    ('quarter', [0, 4]),
    ('half', [0, 2, 4, 6]),
    ('other half', [1, 3, 5, 7]),
    ('all', [0, 1, 2, 3, 4, 5, 6, 7])
) as listed (documents, eighths)
