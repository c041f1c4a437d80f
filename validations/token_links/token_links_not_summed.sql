-- Check:   Every link is within a language, across two, or of a shared token
-- Why:     The report warns if none is across languages.
-- Guards:  n_links = n_within + n_across + n_shared
-- Grain:   the study
-- Reads:   token_links
select
    n_links,
    n_within,
    n_across,
    n_shared
from token_links
where n_links is distinct from n_within + n_across + n_shared
