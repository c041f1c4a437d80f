-- Check:   Every concept a feature fires on is in the lexicon, and its language in the study
-- Why:     A concept that is not in the lexicon has no translation.
-- Guards:  same_concept: firings on translations of each other
-- Grain:   size, step, layer, feature, language, concept
-- Reads:   feature_concepts, lexicon, settings
with concepts as (
    select distinct
        concept,
        topic
    from lexicon
)

select
    found.size,
    found.step,
    found.layer,
    found.feature,
    found.language,
    found.concept,
    found.topic,
    found.n_firings
from feature_concepts as found
left join concepts using (concept, topic)
cross join settings
where
    concepts.concept is null
    or (list_contains(settings.languages, found.language) and found.n_firings > 0)
    is not true
