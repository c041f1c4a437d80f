-- Title:   By which rules is an activation a firing?
-- Grain:   rule
-- Kept:    as a table, because several views read it
-- Reads:   settings
-- The first rule is the study's; each of the others changes one part of it: the share of the
-- feature's maximum that a firing exceeds, the documents that are included, or how the
-- language of a firing is determined. Rules with equal firings share a bit.
select
    listed.rule,
    listed.name,
    listed.bit,
    coalesce(listed.threshold, settings.firing_threshold)::double as threshold,
    listed.documents,
    listed.by_script
from (
    values
    (0, 'study', 1, null, 'all', false),
    (1, '0.5', 2, 0.5, 'all', false),
    (2, '0.6', 4, 0.6, 'all', false),
    (3, '0.7', 8, 0.7, 'all', false),
    (4, '0.8', 16, 0.8, 'all', false),
    (5, '0.9', 32, 0.9, 'all', false),
    (6, 'eighth', 64, null, 'eighth', false),
    (7, 'quarter', 128, null, 'quarter', false),
    (8, 'half', 256, null, 'half', false),
    (9, 'other half', 512, null, 'other half', false),
    (10, 'first 50', 1024, null, 'first 50', false),
    (11, 'script', 1, null, 'all', true)
) as listed (rule, name, bit, threshold, documents, by_script)
cross join settings
