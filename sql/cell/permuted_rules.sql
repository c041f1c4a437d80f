-- Title:   In which permuted languages does each feature fire, by which rules?
-- Grain:   feature, permuted language of the document, rules
-- Reads:   ruled_codes, settings
-- n_last: firings on the last position of a window, where a run may be cut off.
select
    feature,
    language_permuted,
    rules,
    count(*) as n_firings,
    count(*) filter (
        where
        token_row % (select context - 1 from settings)
        = (select context - 2 from settings)
    ) as n_last
from ruled_codes
group by feature, language_permuted, rules
