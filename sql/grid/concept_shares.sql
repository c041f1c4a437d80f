-- Title:   What share of a mixed feature's firings is on each concept, in each language?
-- Grain:   size, step, layer, feature, language, concept
-- Reads:   features, feature_concepts
select
    concepts.size,
    concepts.step,
    concepts.layer,
    concepts.feature,
    features.supported,
    concepts.language,
    concepts.concept,
    concepts.topic,
    concepts.n_firings / sum(concepts.n_firings) over (
        partition by
            concepts.size,
            concepts.step,
            concepts.layer,
            concepts.feature,
            concepts.language
    ) as p
from feature_concepts as concepts
inner join features using (size, step, layer, feature)
where features.language = 'mixed'
