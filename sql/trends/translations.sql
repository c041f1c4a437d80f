-- Title:   Are mixed features bilingual in meaning? Known translations say
-- Grain:   size, step, layer, language_a, language_b
-- Reads:   concept_pairs, topic_chance, cells
-- Each feature weighs once; intervals are normal, over features alone.
with sums as (
    select
        size,
        step,
        layer,
        language_a,
        language_b,
        count(*) as n,
        sum(same_topic::decimal(18, 15))::double as topic,
        sum((same_topic ^ 2)::decimal(18, 15))::double as topic_2,
        count(same_concept) as n_met,
        sum(same_concept::decimal(18, 15))::double as concept,
        sum((same_concept ^ 2)::decimal(18, 15))::double as concept_2,
        sum(same_concept_chance::decimal(18, 15))::double as chance
    from concept_pairs
    group by size, step, layer, language_a, language_b
),

halves as (
    select
        size,
        step,
        layer,
        language_a,
        language_b,
        1.959964 * sqrt(greatest(0, topic_2 - topic ^ 2 / n) / nullif(n - 1, 0) / n)
            as topic_half,
        1.959964
        * sqrt(
            greatest(0, concept_2 - concept ^ 2 / nullif(n_met, 0))
            / nullif(n_met - 1, 0)
            / n_met
        ) as concept_half
    from sums
)

select
    sums.size,
    sums.step,
    sums.layer,
    sums.language_a,
    sums.language_b,
    cells.tokens_seen,
    sums.n as n_features,
    sums.topic / sums.n as same_topic,
    sums.topic / sums.n - halves.topic_half as same_topic_low,
    sums.topic / sums.n + halves.topic_half as same_topic_high,
    topic_chance.same_topic_chance,
    sums.n_met as n_same_topic,
    sums.concept / nullif(sums.n_met, 0) as same_concept,
    sums.concept / nullif(sums.n_met, 0) - halves.concept_half as same_concept_low,
    sums.concept / nullif(sums.n_met, 0) + halves.concept_half as same_concept_high,
    sums.chance / nullif(sums.n_met, 0) as same_concept_chance
from sums
inner join halves using (size, step, layer, language_a, language_b)
inner join topic_chance using (language_a, language_b)
inner join cells using (size, step, layer)
