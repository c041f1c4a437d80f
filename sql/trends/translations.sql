-- Title:   Are mixed features bilingual in meaning? Known translations say
-- Grain:   size, step, layer, language_a, language_b
-- Reads:   concept_pairs, topic_chance, cells
-- Each feature weighs once; intervals are normal, over features alone.
with means as (
    select
        size,
        step,
        layer,
        language_a,
        language_b,
        count(*) as n_features,
        favg(same_topic) as same_topic,
        1.959964 * stddev_samp(same_topic) / sqrt(count(*)) as topic_half,
        count(same_concept) as n_same_topic,
        favg(same_concept) as same_concept,
        1.959964 * stddev_samp(same_concept) / sqrt(count(same_concept))
            as concept_half,
        favg(same_concept_chance) as same_concept_chance
    from concept_pairs
    group by size, step, layer, language_a, language_b
)

select
    means.size,
    means.step,
    means.layer,
    means.language_a,
    means.language_b,
    cells.tokens_seen,
    means.n_features,
    means.same_topic,
    means.same_topic - means.topic_half as same_topic_low,
    means.same_topic + means.topic_half as same_topic_high,
    topic_chance.same_topic_chance,
    means.n_same_topic,
    means.same_concept,
    means.same_concept - means.concept_half as same_concept_low,
    means.same_concept + means.concept_half as same_concept_high,
    means.same_concept_chance
from means
inner join topic_chance using (language_a, language_b)
inner join cells using (size, step, layer)
