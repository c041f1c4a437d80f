-- Title:   Firings that are on no concept of the lexicon, or in no language of the study
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
