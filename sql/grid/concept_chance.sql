-- Title:   How often do two random words of a topic, in two languages, share their concept?
-- Grain:   language_a, language_b, topic; topics with a concept that occurs in both
-- Reads:   token_concepts, tokens
-- The sum, over the topic's concepts, of the products of their frequencies in both languages.
with counts as (
    select
        tokens.language,
        token_concepts.topic,
        token_concepts.concept,
        count(*) as n
    from token_concepts
    inner join tokens on token_concepts.token_row = tokens.token_row
    group by tokens.language, token_concepts.topic, token_concepts.concept
),

shares as (
    select
        language,
        topic,
        concept,
        n / sum(n) over (partition by language, topic) as p
    from counts
)

select
    a.language as language_a,
    b.language as language_b,
    a.topic,
    sum((a.p * b.p)::decimal(18, 15))::double as same_concept_chance
from shares as a
inner join shares as b on a.topic = b.topic and a.concept = b.concept
where a.language < b.language
group by a.language, b.language, a.topic
