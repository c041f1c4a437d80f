-- Title:   Which language classes does the study have?
-- Grain:   language
-- Reads:   settings
-- The languages of the study in its order, and then `mixed`.
select
    unnest(list_append(languages, 'mixed')) as language,
    unnest(range(1, len(languages) + 2)) as position
from settings
