-- Title:   Are mixed features bilingual in meaning, judged by known translations?
-- Grain:   size, step, layer, population, language_a, language_b
-- Reads:   concept_pairs, populations, topic_chance, cells
-- Every feature has the same weight. Wilson's interval over features treats each share as
-- 0 or 1: no variance is larger, so the interval is conservative.
with sums as (
    select
        size,
        step,
        layer,
        populations.population,
        language_a,
        language_b,
        count(*)::double as n,
        sum(same_topic::decimal(18, 15))::double as topic,
        nullif(count(same_concept), 0)::double as n_met,
        sum(same_concept::decimal(18, 15))::double as concept,
        sum(same_concept_chance::decimal(18, 15))::double as chance
    from concept_pairs
    inner join populations
        on
            (concept_pairs.supported or populations.counts_unsupported)
            and not populations.counts_dead
    group by size, step, layer, populations.population, language_a, language_b
),

measured as (
    select
        *,
        topic / n as same_topic,
        concept / n_met as same_concept
    from sums
)

select
    measured.size,
    measured.step,
    measured.layer,
    measured.population,
    measured.language_a,
    measured.language_b,
    cells.tokens_seen,
    measured.n::bigint as n_features,
    measured.same_topic,
    wilson_low(measured.same_topic, measured.n) as same_topic_low,
    wilson_high(measured.same_topic, measured.n) as same_topic_high,
    topic_chance.same_topic_chance,
    coalesce(measured.n_met, 0)::bigint as n_same_topic,
    measured.same_concept,
    wilson_low(measured.same_concept, measured.n_met) as same_concept_low,
    wilson_high(measured.same_concept, measured.n_met) as same_concept_high,
    measured.chance / measured.n_met as same_concept_chance
from measured
inner join topic_chance using (language_a, language_b)
inner join cells using (size, step, layer)
