-- Title:   In how many cells do mixed features fire on translations more often than by chance?
-- Grain:   size, language_a, language_b, trained
-- Reads:   cells, lexicon_translations
-- Supported features. Above, below: the whole 95 % interval, over features alone, is above or
-- below chance; by luck fewer than one cell in forty is on either side.
with judged as (
    select
        size,
        language_a,
        language_b,
        tokens_seen > 0 as trained,
        same_concept,
        same_topic_low > same_topic_chance as topic_above,
        same_topic_high < same_topic_chance as topic_below,
        same_concept_low > same_concept_chance as concept_above,
        same_concept_high < same_concept_chance as concept_below
    from lexicon_translations
    where population = 'supported'
),

sizes as (
    select distinct
        size,
        n_params
    from cells
)

select
    size,
    language_a,
    language_b,
    trained,
    count(*) as n_topic,
    count(*) filter (where topic_above) as topic_above,
    count(*) filter (where topic_below) as topic_below,
    count(same_concept) as n_concept,
    count(*) filter (where concept_above) as concept_above,
    count(*) filter (where concept_below) as concept_below
from judged
inner join sizes using (size)
group by size, n_params, language_a, language_b, trained
order by n_params, size, language_a, language_b, trained
