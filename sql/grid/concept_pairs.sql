-- Title:   Does each mixed feature fire on translations of the same words?
-- Grain:   size, step, layer, feature, language_a, language_b
-- Reads:   concept_shares, lexicon_topics
-- A pair is a firing in one language and one in the other, both on words of the lexicon.
-- same_topic: share of pairs in one topic. same_concept: share of those that are
-- translations. same_concept_chance: the same with concepts permuted within the topic.
with sides as (
    select distinct
        size,
        step,
        layer,
        feature,
        supported,
        language
    from concept_shares
),

met as (
    select
        a.size,
        a.step,
        a.layer,
        a.feature,
        a.language as language_a,
        b.language as language_b,
        sum((a.p * b.p)::decimal(18, 15))::double as topic,
        sum(if(a.concept = b.concept, a.p * b.p, 0)::decimal(18, 15))::double as concept,
        sum((a.p * b.p / lexicon_topics.n_concepts)::decimal(18, 15))::double as chance
    from concept_shares as a
    inner join concept_shares as b using (size, step, layer, feature, topic)
    inner join lexicon_topics on a.topic = lexicon_topics.topic
    where a.language < b.language
    group by all
)

select
    a.size,
    a.step,
    a.layer,
    a.feature,
    a.supported,
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
