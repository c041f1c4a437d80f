-- Title:   What is the product of each text with each language's mean, and with itself?
-- Grain:   source, language, pair, mean_language
-- Reads:   mean_vectors, pair_tokens, text_vectors
-- Kept:    read by each score
-- Every combination has a row, zeros too.
with texts as (
    select distinct
        language,
        pair
    from pair_tokens
),

languages as (
    select distinct language
    from pair_tokens
),

combinations as (
    select
        unnest(['codes', 'mixed', 'other', 'tokens']) as source,
        texts.language,
        texts.pair,
        languages.language as mean_language
    from texts
    cross join languages
),

of_parts as (
    select
        text_vectors.part,
        text_vectors.language,
        text_vectors.pair,
        mean_vectors.language as mean_language,
        sum(text_vectors.value * mean_vectors.value) as product,
        -- With its own language's mean a text shares every dimension.
        sum(text_vectors.value ^ 2) as square
    from text_vectors
    inner join mean_vectors
        on
            text_vectors.part = mean_vectors.part
            and text_vectors.dimension = mean_vectors.dimension
    group by text_vectors.part, text_vectors.language, text_vectors.pair, mean_vectors.language
),

products as (
    select
        unnest(if(part = 'tokens', [part], [part, 'codes'])) as source,
        language,
        pair,
        mean_language,
        product,
        square
    from of_parts
)

select
    combinations.source,
    combinations.language,
    combinations.pair,
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
        and combinations.language = products.language
        and combinations.pair = products.pair
        and combinations.mean_language = products.mean_language
group by
    combinations.source,
    combinations.language,
    combinations.pair,
    combinations.mean_language
