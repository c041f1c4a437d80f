-- Title:   By which rules is an activation a firing?
-- Grain:   rule
-- Kept:    as a table, because several views read it
-- Reads:   settings
-- The first rule is the study's; each of the others changes one part of it: the share of the
-- feature's maximum that a firing exceeds, the documents that are included, how the language
-- of a firing is determined, or how often a token's codes are halved first: of K codes, a
-- firing is among the K // 2, K // 4 or K // 8 strongest. Rules with equal firings share a
-- bit. Rules without a bit have firings that are only counted by language: the halved ones,
-- and `0`, by which every activation is a firing, the paper's other reading of "activated".
select
    listed.rule,
    listed.name,
    listed.bit,
    coalesce(listed.threshold, settings.firing_threshold)::double as threshold,
    listed.documents,
    listed.by_script,
    listed.halvings
from (
    values
    (0, 'study', 1, null, 'all', false, 0),
    (1, '0.5', 2, 0.5, 'all', false, 0),
    (2, '0.6', 4, 0.6, 'all', false, 0),
    (3, '0.7', 8, 0.7, 'all', false, 0),
    (4, '0.8', 16, 0.8, 'all', false, 0),
    (5, '0.9', 32, 0.9, 'all', false, 0),
    (6, 'eighth', 64, null, 'eighth', false, 0),
    (7, 'quarter', 128, null, 'quarter', false, 0),
    (8, 'half', 256, null, 'half', false, 0),
    (9, 'other half', 512, null, 'other half', false, 0),
    (10, 'first 50', 1024, null, 'first 50', false, 0),
    (11, 'script', 1, null, 'all', true, 0),
    (12, 'half of k', 0, null, 'all', false, 1),
    (13, 'quarter of k', 0, null, 'all', false, 2),
    (14, 'eighth of k', 0, null, 'all', false, 3),
    (15, '0', 0, 0, 'all', false, 0)
) as listed (rule, name, bit, threshold, documents, by_script, halvings)
cross join settings
