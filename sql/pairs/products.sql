-- Title:   What is the product of each two texts in different languages?
-- Grain:   source, language_a, language_b, pair_a, pair_b; language_a before language_b
-- Reads:   text_vectors
-- Kept:    read for both directions
-- Texts without a common dimension have no row. These are sums of floats and not of
-- decimals, since of the scores only ranks are kept, in which near ties are equal.
with of_parts as (
    select
        text_a.part,
        text_a.language as language_a,
        text_b.language as language_b,
        text_a.pair as pair_a,
        text_b.pair as pair_b,
        sum(text_a.value * text_b.value) as product
    from text_vectors as text_a
    inner join text_vectors as text_b
        on text_a.part = text_b.part and text_a.dimension = text_b.dimension
    where text_a.language < text_b.language
    group by text_a.part, text_a.language, text_b.language, text_a.pair, text_b.pair
),

of_sources as (
    select
        unnest(if(part = 'tokens', [part], [part, 'codes'])) as source,
        language_a,
        language_b,
        pair_a,
        pair_b,
        product
    from of_parts
)

select
    source,
    language_a,
    language_b,
    pair_a,
    pair_b,
    sum(product) as product
from of_sources
group by source, language_a, language_b, pair_a, pair_b
