-- Title:   How often does each token occur in other languages, per occurrence in one?
-- Grain:   token_id, language of the document by its position in the study's list
-- Kept:    as a table, because several views read it
-- Reads:   tokens, settings
with counts as (
    select
        token_id,
        language,
        count(*) as n
    from tokens
    group by token_id, language
)

select
    counts.token_id,
    list_position(settings.languages, counts.language)::utinyint as language,
    (sum(counts.n) over (partition by counts.token_id) - counts.n) / counts.n as elsewhere
from counts
cross join settings
