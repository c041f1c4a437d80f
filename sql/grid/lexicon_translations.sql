-- Title:   Are mixed features bilingual in meaning? Known translations say
-- Grain:   size, step, layer, population, language_a, language_b
-- Reads:   concept_pairs, populations, topic_chance, cells
-- Each feature weighs once. Wilson's interval over features, as if each were all or
-- nothing: no wider variance is possible, so it is on the safe side.
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
        1.959964 as z,
        topic / n as t,
        concept / n_met as c,
        (t + z ^ 2 / (2 * n)) / (1 + z ^ 2 / n) as t_centre,
        z * sqrt(t * (1 - t) / n + z ^ 2 / (4 * n ^ 2)) / (1 + z ^ 2 / n) as t_half,
        (c + z ^ 2 / (2 * n_met)) / (1 + z ^ 2 / n_met) as c_centre,
        z * sqrt(c * (1 - c) / n_met + z ^ 2 / (4 * n_met ^ 2)) / (1 + z ^ 2 / n_met)
            as c_half
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
    measured.t as same_topic,
    measured.t_centre - measured.t_half as same_topic_low,
    measured.t_centre + measured.t_half as same_topic_high,
    topic_chance.same_topic_chance,
    coalesce(measured.n_met, 0)::bigint as n_same_topic,
    measured.c as same_concept,
    measured.c_centre - measured.c_half as same_concept_low,
    measured.c_centre + measured.c_half as same_concept_high,
    measured.chance / measured.n_met as same_concept_chance
from measured
inner join topic_chance using (language_a, language_b)
inner join cells using (size, step, layer)
