-- Title:   What is the product of each text with each language's mean, and with itself?
-- Grain:   source, text, mean_language
-- Reads:   mean_vectors, text_vectors, texts
-- Kept:    read by each score
-- Every combination has a row, zeros too. `square` is null for other languages' means.
with languages as (
    select distinct language
    from texts
),

combinations as (
    select
        unnest(['codes', 'mixed', 'other', 'tokens']) as source,
        texts.text,
        texts.language,
        languages.language as mean_language
    from texts
    cross join languages
),

of_parts as (
    select
        text_vectors.part,
        text_vectors.text,
        mean_vectors.language as mean_language,
        sum(text_vectors.value * mean_vectors.value) as product,
        -- With its own language's mean a text shares every dimension.
        sum(text_vectors.value ^ 2) as square
    from text_vectors
    inner join mean_vectors on text_vectors.dimension = mean_vectors.dimension
    group by text_vectors.part, text_vectors.text, mean_vectors.language
),

products as (
    select
        unnest(if(part = 'tokens', ['tokens'], ['codes', part::varchar])) as source,
        text,
        mean_language,
        product,
        square
    from of_parts
)

select
    combinations.source,
    combinations.text,
    combinations.language,
    combinations.mean_language,
    coalesce(sum(products.product), 0) as product,
    if(
        combinations.language = combinations.mean_language,
        coalesce(sum(products.square), 0), null
    ) as square
from combinations
left join products
    on
        combinations.source = products.source
        and combinations.text = products.text
        and combinations.mean_language = products.mean_language
group by
    combinations.source,
    combinations.text,
    combinations.language,
    combinations.mean_language
