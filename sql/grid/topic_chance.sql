-- Title:   How often do two random words of two languages share a topic?
-- Grain:   language_a, language_b
-- Reads:   token_concepts, tokens
with counts as (
    select
        tokens.language,
        token_concepts.topic,
        count(*) as n
    from token_concepts
    inner join tokens on token_concepts.token_row = tokens.token_row
    group by tokens.language, token_concepts.topic
),

shares as (
    select
        language,
        topic,
        n / sum(n) over (partition by language) as p
    from counts
)

select
    a.language as language_a,
    b.language as language_b,
    sum((a.p * b.p)::decimal(18, 15))::double as same_topic_chance
from shares as a
inner join shares as b on a.topic = b.topic
where a.language < b.language
group by a.language, b.language
