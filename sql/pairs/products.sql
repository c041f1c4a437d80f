-- Title:   What is the product of each two texts in different languages?
-- Grain:   source, text_a, text_b; the language of text_a before that of text_b
-- Reads:   text_vectors, texts
-- Kept:    read by scores and overlaps
-- Texts without a common dimension have no row. These are sums of floats and not of
-- decimals, since of the scores only ranks are kept, in which near ties are equal. The
-- direction, a number for two languages, is a key of the join: a condition on languages
-- would be applied to every two texts, also of one language.
with languages as (
    select distinct language_number
    from texts
),

vectors_a as (
    select
        1000 * texts.language_number + languages.language_number as direction,
        text_vectors.part,
        text_vectors.text,
        text_vectors.dimension,
        text_vectors.value
    from text_vectors
    inner join texts on text_vectors.text = texts.text
    inner join languages on texts.language_number < languages.language_number
),

vectors_b as (
    select
        1000 * languages.language_number + texts.language_number as direction,
        text_vectors.text,
        text_vectors.dimension,
        text_vectors.value
    from text_vectors
    inner join texts on text_vectors.text = texts.text
    inner join languages on texts.language_number > languages.language_number
),

of_parts as (
    select
        vectors_a.part,
        vectors_a.text as text_a,
        vectors_b.text as text_b,
        sum(vectors_a.value * vectors_b.value) as product,
        count(*) as n_common
    from vectors_a
    inner join vectors_b
        on
            vectors_a.direction = vectors_b.direction
            and vectors_a.dimension = vectors_b.dimension
    group by vectors_a.part, vectors_a.text, vectors_b.text
),

of_sources as (
    select
        unnest(if(part = 'tokens', ['tokens'], ['codes', part::varchar])) as source,
        text_a,
        text_b,
        product,
        n_common
    from of_parts
)

select
    source,
    text_a,
    text_b,
    sum(product) as product,
    sum(n_common)::bigint as n_common
from of_sources
group by source, text_a, text_b
