-- Title:   Which features fire on translations of each other?
-- Grain:   size, step, layer, feature, language_a, language_b
-- Reads:   concept_pairs, concept_shares, lexicon, topic_chance
-- Mixed features with firings on words of one concept in both languages. The concept is that
-- with the most pairs of firings, one in each language; shares are of the feature's firings on
-- the lexicon in a language. same_topic and same_concept are defined in `concept_pairs`.
with met as (
    select
        a.size,
        a.step,
        a.layer,
        a.feature,
        a.language as language_a,
        b.language as language_b,
        count(*) as n_concepts,
        arg_max(a.concept, (a.p * b.p, a.concept)) as concept,
        arg_max(a.topic, (a.p * b.p, a.concept)) as topic,
        arg_max(a.p, (a.p * b.p, a.concept)) as share_a,
        arg_max(b.p, (a.p * b.p, a.concept)) as share_b
    from concept_shares as a
    inner join concept_shares as b using (size, step, layer, feature, concept, topic)
    where a.language < b.language
    group by a.size, a.step, a.layer, a.feature, a.language, b.language
),

words as (
    select
        concept,
        topic,
        language,
        string_agg(word, ', ' order by word) as words
    from lexicon
    group by concept, topic, language
)

select
    met.size,
    met.step,
    met.layer,
    met.feature,
    pairs.supported,
    met.language_a,
    met.language_b,
    pairs.same_topic,
    topic_chance.same_topic_chance,
    pairs.same_concept,
    pairs.same_concept_chance,
    met.n_concepts,
    met.concept,
    met.topic,
    met.share_a,
    met.share_b,
    words_a.words as words_a,
    words_b.words as words_b
from met
inner join concept_pairs as pairs using (size, step, layer, feature, language_a, language_b)
inner join topic_chance using (language_a, language_b)
left join words as words_a
    on
        met.concept = words_a.concept
        and met.topic = words_a.topic
        and met.language_a = words_a.language
left join words as words_b
    on
        met.concept = words_b.concept
        and met.topic = words_b.topic
        and met.language_b = words_b.language
