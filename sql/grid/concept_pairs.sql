-- Title:   Does each mixed feature fire on translations of the same words?
-- Grain:   size, step, layer, feature, language_a, language_b
-- Reads:   concept_shares, concept_chance
-- A pair is a firing in one language and one in the other, both on words of the lexicon.
-- same_topic: share of pairs in one topic. same_concept: share of those that are
-- translations. same_concept_chance: that share for words of the same topics drawn at random
-- from the text, where a common concept is drawn often.
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
        sum(
            (a.p * b.p * coalesce(chance.same_concept_chance, 0))::decimal(18, 15)
        )::double as chance
    from concept_shares as a
    inner join concept_shares as b using (size, step, layer, feature, topic)
    left join concept_chance as chance
        on
            a.language = chance.language_a
            and b.language = chance.language_b
            and a.topic = chance.topic
    where a.language < b.language
    group by a.size, a.step, a.layer, a.feature, a.language, b.language
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
    met.concept / nullif(met.topic, 0) as same_concept,
    met.chance / nullif(met.topic, 0) as same_concept_chance
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
