-- Check:   Every threshold is in its range
-- Why:     Every number of the analysis depends on them.
-- Guards:  firing_threshold, class_threshold, exclusive_threshold, min_firings, min_documents
-- Grain:   the study
-- Reads:   settings
select
    firing_threshold,
    class_threshold,
    exclusive_threshold,
    min_exclusive_occurrences,
    min_exclusive_firings,
    min_firings,
    min_documents,
    context
from settings
where
    (
        firing_threshold >= 0
        and firing_threshold < 1
        and class_threshold >= 0.5
        and class_threshold < 1
        and exclusive_threshold >= 0.5
        and exclusive_threshold < 1
        and least(
            min_exclusive_occurrences, min_exclusive_firings, min_firings, min_documents
        ) >= 0
        and context >= 2
    ) is not true
