-- Title:   Do a mixed feature's firings in two languages stand on translations?
-- Grain:   size, step, layer, feature, language_a, language_b
-- Reads:   features, feature_concepts, lexicon_topics
-- A pair is a firing in one language and one in the other, both on words of the lexicon.
-- same_topic: share of pairs in one topic. same_concept: share of those that are
-- translations. same_concept_chance: the same with concepts permuted within the topic.
with shares as (
    select
        concepts.size,
        concepts.step,
        concepts.layer,
        concepts.feature,
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
),

sides as (
    select distinct
        size,
        step,
        layer,
        feature,
        language
    from shares
),

met as (
    select
        a.size,
        a.step,
        a.layer,
        a.feature,
        a.language as language_a,
        b.language as language_b,
        fsum(a.p * b.p) as topic,
        fsum(if(a.concept = b.concept, a.p * b.p, 0)) as concept,
        fsum(a.p * b.p / lexicon_topics.n_concepts) as chance
    from shares as a
    inner join shares as b
        using (size, step, layer, feature, topic)
    inner join lexicon_topics on a.topic = lexicon_topics.topic
    where a.language < b.language
    group by all
)

select
    a.size,
    a.step,
    a.layer,
    a.feature,
    a.language as language_a,
    b.language as language_b,
    coalesce(met.topic, 0) as same_topic,
    met.concept / met.topic as same_concept,
    met.chance / met.topic as same_concept_chance
from sides as a
inner join sides as b using (size, step, layer, feature)
left join met
    on
        a.size = met.size
        and a.step = met.step
        and a.layer = met.layer
        and a.feature = met.feature
        and a.language = met.language_a
        and b.language = met.language_b
where a.language < b.language
